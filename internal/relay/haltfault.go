package relay

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// fault describes the event for people.
func (h *halt) fault() *fault.Error {
	b := h.bad
	f := &fault.Error{
		Code: fault.Unpublishable, Summary: "stopped before an event that cannot be published: " + b.Detail,
		Details: []string{"position          " + b.Position.String(), "reason            " + string(b.Reason)},
		Hint:    "Everything before its transaction is published; nothing behind it is. " + h.remedy(),
	}
	if b.ID != "" {
		f.Details = append([]string{"event             " + b.ID}, f.Details...)
	}
	if b.Topic != "" {
		f.Details = append(f.Details, "topic             "+b.Topic)
	}
	if b.Key != nil {
		f.Details = append(f.Details, "key               "+keyText(b.Key))
	}
	return f
}

// remedy is what a person can do.
func (h *halt) remedy() string {
	switch b := h.bad; {
	case b.Reason == reasonMaxHeld:
		return "`relay parked list` shows what is parked; `relay parked retry` and `relay parked skip` make room, or raise failure.max_held. Then Relay goes on by itself."
	case b.Reason == reasonUnparkable:
		return "Mend the parked topic (`relay init` creates it; the role needs Write on it; raise its max.message.bytes) and Relay goes on by itself."
	case ofKafka(b.Reason):
		return "Mend the cause (create the topic, grant the right, raise the limit) and Relay goes on by itself; or set failure.on_unpublishable: park, " +
			"and it goes on without this event, which `relay parked retry` publishes later."
	case b.Reason == reasonTableAltered || b.Reason == reasonUpdated:
		return h.giveUp()
	}
	return "Set failure.on_unpublishable: park, and Relay goes on without this event, which waits in the parked topic. " + h.giveUp()
}

func (h *halt) giveUp() string {
	return "What stands in the WAL stays as it is: change the configuration if that helps, " +
		fmt.Sprintf("or give the whole transaction up with `relay adopt --from %s --accept-loss`.", h.bad.Position.CommitLSN+1)
}

// ofKafka tells the reasons that Kafka gives: it may take the same record another time.
func ofKafka(r outbox.Reason) bool {
	return slices.Contains(kafkaReasons(), publisher.Cause(r))
}

func kafkaReasons() []publisher.Cause {
	return []publisher.Cause{
		publisher.CauseTooLarge, publisher.CauseUnknownTopic, publisher.CauseNotAuthorised, publisher.CauseTimestamp,
		publisher.CausePartition, publisher.CauseInvalidRecord,
	}
}

// ParkedReasons lists every reason for which an event is parked.
func ParkedReasons() []string {
	var all []string
	for _, c := range kafkaReasons() {
		all = append(all, string(c))
	}
	for _, r := range append(outbox.Reasons(), reasonHeld) {
		all = append(all, string(r))
	}
	return all
}

// keyText is a key as people read it.
func keyText(key []byte) string {
	if !utf8.Valid(key) {
		return fmt.Sprintf("%x (hexadecimal)", key)
	}
	return string(key)
}
