package outbox

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// Event is what an application tells the world. With Relay's defaults it becomes a record of topic
// "<AggregateType>.events" with AggregateID as its key, the payload byte for byte as its value, and the headers id and
// type beside its own.
type Event struct {
	// ID is the event's identity for consumers. Zero: Emit makes one; set NewID() to know it beforehand.
	ID ID
	// AggregateType names the kind of thing the event is about, as in "payment": 1 to 200 letters, digits, dots,
	// underscores and hyphens.
	AggregateType string
	// AggregateID says which one: events of one id stay in order. 1 to 1024 bytes.
	AggregateID string
	// Type says what happened, as in "PaymentBooked": 1 to 255 bytes without control characters.
	Type string

	// Payload is a JSON text of at most MaxPayloadBytes.
	Payload json.RawMessage
	// Bytes are the payload in another encoding (Avro, Protobuf), instead of Payload.
	Bytes []byte
	// Tombstone says that there is no payload: the record has a null value, which deletes its key from a compacted
	// topic. An event without payload is refused otherwise.
	Tombstone bool

	// Headers become headers of the record. Their names must not be id or type nor begin with relay-.
	Headers map[string]string
	// Topic overrides the relay's routing; "" leaves it the choice.
	Topic string

	// AggregateVersion is for the table's readers; 0: none. Not in a WAL message.
	AggregateVersion int64
	// OccurredAt becomes the record's timestamp; zero: the time of the commit. From 1970 on, at most an hour ahead. Not in
	// a WAL message.
	OccurredAt time.Time
}

// EventError is an event that was refused before anything was sent: the transaction is as it was. It holds names,
// never a payload or the value of a header.
type EventError struct {
	Index  int // place among the events of the call, from 0
	Reason Reason
	Detail string // for people: the field, what was found, what is allowed
}

// Error says which event it is and what is wrong with it.
func (e *EventError) Error() string {
	return fmt.Sprintf("event %d of the call: %s (%s)", e.Index, e.Detail, e.Reason)
}

// check applies the rules of the table, so that a mistake is found without a round trip, by its name, and does not
// abort the transaction.
func (e *Event) check() *fault {
	for _, name := range [...]struct{ column, value string }{
		{"aggregate_type", e.AggregateType}, {"aggregate_id", e.AggregateID}, {"event_type", e.Type},
	} {
		if !utf8.ValidString(name.value) {
			return faultf(ReasonBadName, "%s is not UTF-8", name.column)
		}
	}
	for _, detail := range [...]string{
		checkAggregateType([]byte(e.AggregateType)), checkAggregateID([]byte(e.AggregateID)), checkEventType([]byte(e.Type)),
	} {
		if detail != "" {
			return &fault{ReasonBadName, detail}
		}
	}
	if e.Topic != "" {
		if bad := newTopicRules([]string{"relay.checkpoints", "relay.parked"}).check(e.Topic); bad != nil {
			return bad
		}
	}
	if bad := e.checkPayload(); bad != nil {
		return bad
	}
	return e.checkTime()
}

func (e *Event) checkPayload() *fault {
	switch size := max(len(e.Payload), len(e.Bytes)); {
	case e.Payload != nil && e.Bytes != nil:
		return faultf(ReasonBadPayload, "both Payload and Bytes are set")
	case e.Tombstone && (e.Payload != nil || e.Bytes != nil):
		return faultf(ReasonBadPayload, "a tombstone has a payload")
	case !e.Tombstone && e.Payload == nil && e.Bytes == nil:
		return faultf(ReasonBadPayload, "there is no payload; Tombstone must be set for an event that shall have none")
	case size > MaxPayloadBytes:
		return faultf(ReasonBadPayload, "payload has %d bytes, at most %d are allowed", size, MaxPayloadBytes)
	}
	return checkJSON(e.Payload)
}

// checkJSON refuses what column payload would: the server's own error would show a piece of it in its log.
func checkJSON(payload []byte) *fault {
	if payload == nil {
		return nil
	}
	if !utf8.Valid(payload) {
		return faultf(ReasonBadPayload, "payload is not UTF-8; set Bytes for another encoding")
	}
	s := jsonScanner{data: payload}
	if _, _, err := s.value(0); err != nil {
		return faultf(ReasonBadPayload, "payload %s; set Bytes for another encoding", err)
	}
	if !s.end() {
		return faultf(ReasonBadPayload, "payload has text behind its JSON value")
	}
	return nil
}

// checkTime leaves to the server what depends on its clock.
func (e *Event) checkTime() *fault {
	if t := e.OccurredAt; !t.IsZero() && (t.Before(time.Unix(0, 0)) || t.UTC().Year() > 9999) {
		return faultf(ReasonBadTimestamp, "occurred_at is %s, from 1970 to an hour ahead is allowed", t.UTC().Format(time.RFC3339))
	}
	return nil
}
