package relay

import (
	"maps"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// badEvents are events that Kafka named in an earlier session: the next one does not offer them again. They are kept until
// they are decided, or the relay has halted: if a session forgot those before it, two of them could name the same two
// events in turn for ever.
type badEvents map[outbox.Position]refusedEvent

// refusedEvent is what Kafka said of an event.
type refusedEvent struct {
	reason outbox.Reason
	detail string
	final  bool // it cannot even be parked
}

// named says which events of a batch Kafka will not take.
func named(batch *outbox.Batch, e *publisher.EventError) badEvents {
	bad := make(badEvents)
	for _, one := range e.All() {
		refused := refusedEvent{reason: outbox.Reason(one.Cause), detail: one.Error()}
		for _, i := range one.Records {
			bad[batch.Position(i)] = refused
		}
	}
	return bad
}

// missing adds the topics that do not exist to those that are known not to: while events for them keep coming, each of
// them would hold up its session for as long as a new topic may take to become known.
func missing(known map[string]bool, e *publisher.EventError) map[string]bool {
	now := make(map[string]bool)
	if len(known) < maxMissing {
		maps.Copy(now, known)
	}
	for _, one := range e.All() {
		if one.Cause == publisher.CauseUnknownTopic {
			now[one.Topic] = true
		}
	}
	return now
}

// maxMissing bounds what is remembered, whatever names applications invent.
const maxMissing = 1000

// cannotPark says which event cannot be parked: the one whose record was named, or the first when it is the topic.
func cannotPark(s *siding, e *publisher.OwnError) badEvents {
	if len(s.events) == 0 {
		return nil
	}
	bad := s.events[0]
	if e.Record >= 0 {
		named := s.batch.Position(e.Record)
		for _, parked := range s.events {
			if parked.position == named {
				bad = parked
			}
		}
	}
	return badEvents{bad.position: {reason: reasonUnparkable, detail: bad.detail + "; and it cannot be parked: " + e.Error(), final: true}}
}

// add takes what a session has found out.
func (b *badEvents) add(found badEvents) {
	if *b == nil {
		*b = found
		return
	}
	maps.Copy(*b, found)
}

// forget drops the events of transactions before an LSN: they are decided.
func (b badEvents) forget(decided outbox.LSN) {
	maps.DeleteFunc(b, func(at outbox.Position, _ refusedEvent) bool { return at.CommitLSN < decided })
}

// describe says of a mapped record what Kafka said of it.
func (e *refusedEvent) describe(rec *outbox.Record) *outbox.BadEvent {
	bad := &outbox.BadEvent{ID: string(rec.ID), Position: rec.Position, Topic: rec.Topic, Reason: e.reason, Detail: e.detail}
	if rec.Key != nil {
		bad.Key = append([]byte{}, rec.Key...)
	}
	return bad
}

// Reasons for which an event cannot be published that the mapping does not know of. Kafka's are those of publisher.Cause.
const (
	reasonTooLarge                   = outbox.Reason(publisher.CauseTooLarge)
	reasonTableAltered outbox.Reason = "table_altered"
	reasonUpdated      outbox.Reason = "updated"
	reasonHeld         outbox.Reason = "held"       // an earlier event of its topic and key is parked
	reasonMaxHeld      outbox.Reason = "max_held"   // no more events may be parked
	reasonUnparkable   outbox.Reason = "unparkable" // the parked topic does not take it
)

// halt says that an event cannot be published and that everything before its transaction has been handed over.
type halt struct {
	bad        *outbox.BadEvent
	commitTime int64 // of its transaction, microseconds since the Unix epoch
}

// Error names the event.
func (h *halt) Error() string { return h.bad.Error() }
