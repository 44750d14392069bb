package relay

import (
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// badEvents are events that Kafka named in an earlier session: the next one stops before them instead of offering them
// again.
type badEvents map[outbox.Position]*outbox.BadEvent

// at gives the bad event at a position, or nil.
func (b badEvents) at(pos outbox.Position) *outbox.BadEvent {
	if len(b) == 0 {
		return nil
	}
	return b[pos]
}

// named says which events of a batch Kafka will not take.
func named(batch *outbox.Batch, e *publisher.EventError) badEvents {
	bad := make(badEvents, len(e.Records))
	for _, i := range e.Records {
		rec := batch.At(i)
		bad[rec.Position] = &outbox.BadEvent{
			ID: string(rec.ID), Position: rec.Position, Topic: rec.Topic, Key: append([]byte(nil), rec.Key...),
			Reason: reasonKafka, Detail: e.Error(),
		}
	}
	return bad
}

// reasonKafka: the broker will not take this record.
const reasonKafka outbox.Reason = "refused_by_kafka"

// halt says that an event cannot be published and that everything before its transaction has been handed over.
type halt struct {
	bad *outbox.BadEvent
}

// Error names the event.
func (h *halt) Error() string { return h.bad.Error() }
