package outbox

import (
	"fmt"
	"strings"
)

// Reason is a stable word for why an event cannot become a record.
type Reason string

// The reasons.
const (
	ReasonNoRoute        Reason = "no_route"        // no rule, topic column or template gives a topic
	ReasonBadTopic       Reason = "bad_topic"       // a name that Kafka refuses
	ReasonForbiddenTopic Reason = "forbidden_topic" // a reserved topic, or one that begins with __
	ReasonNull           Reason = "null"            // NULL where a value must be
	ReasonBadID          Reason = "bad_id"          // empty, not a uuid, or too long
	ReasonBadName        Reason = "bad_name"        // aggregate_type, aggregate_id or event_type against the table's rules
	ReasonBadHeaders     Reason = "bad_headers"     // not a JSON object
	ReasonForgedHeader   Reason = "forged_header"   // begins with relay- or is the name of a configured header
	ReasonBadTimestamp   Reason = "bad_timestamp"   // occurred_at is infinite, before 1970, or not a time
	ReasonBadPartition   Reason = "bad_partition"   // not a number from 0 to 2147483647
	ReasonBadPayload     Reason = "bad_payload"     // bytea that is not hexadecimal
	ReasonBadFrame       Reason = "bad_frame"       // a WAL message without the frame of an event
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonNoRoute, ReasonBadTopic, ReasonForbiddenTopic, ReasonNull, ReasonBadID, ReasonBadName, ReasonBadHeaders,
		ReasonForgedHeader, ReasonBadTimestamp, ReasonBadPartition, ReasonBadPayload, ReasonBadFrame,
	}
}

// BadEvent is one event that cannot become a record. It concerns that event alone: the batch is as it was before.
// It holds names and positions, never a payload or a header value, so it can be logged.
type BadEvent struct {
	ID       string // as far as known
	Position Position
	Topic    string // as far as known
	Key      []byte // as far as known; nil: a null key
	Reason   Reason
	Detail   string // for people: the column or field, what was found, what is allowed
}

// Error says which event it is and what is wrong with it.
func (e *BadEvent) Error() string {
	var b strings.Builder
	b.WriteString("event")
	if e.ID != "" {
		fmt.Fprintf(&b, " %q", e.ID)
	}
	fmt.Fprintf(&b, " at %s cannot be published: %s (%s)", e.Position, e.Detail, e.Reason)
	return b.String()
}

// fault is why an event is bad, before it is known which event it is.
type fault struct {
	reason Reason
	detail string
}

func faultf(reason Reason, format string, args ...any) *fault {
	return &fault{reason: reason, detail: fmt.Sprintf(format, args...)}
}
