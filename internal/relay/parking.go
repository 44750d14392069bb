package relay

import (
	"fmt"
	"slices"
	"time"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// parking is what the receiver knows of events that are set aside: which ones Kafka does not take, which keys are held,
// and how many events the parked topic has once everything that was handed over is committed. It lives for one session:
// what a unit takes along that never commits is forgotten with it.
type parking struct {
	failure    Failure
	topic      string // parked
	kafka      *publisher.Config
	generation int64
	now        func() time.Time

	bad    badEvents
	holds  map[string]string // position of the first parked event by topic/key; empty while all is well
	parked uint64
	name   []byte // scratch: topic/key
}

// parkedRowLimit is the most bytes of a row that is larger than a batch and still parked.
const parkedRowLimit = publisher.ParkedRecordBytes - 1<<20

// newParking begins with what is durable.
func (s *session) newParking(bad badEvents) *parking {
	cp := s.facts.Checkpoint
	bad.forget(cp.ResumeLSN)
	p := &parking{
		failure: s.cfg.Failure, topic: s.cfg.Parked, kafka: &s.cfg.Kafka, generation: cp.Generation, now: time.Now,
		bad: bad, parked: cp.Holds.Parked,
	}
	for _, h := range s.holds {
		p.hold(h.Topic, h.Key, h.First)
	}
	return p
}

// quiet tells that no event has to be looked at: nothing is known to be bad, and no key is held.
func (p *parking) quiet() bool { return len(p.bad) == 0 && len(p.holds) == 0 }

// heldBehind is the first parked event of a topic and key, "" when it is not held. It allocates nothing.
func (p *parking) heldBehind(topic string, key []byte) string {
	if len(p.holds) == 0 || key == nil {
		return ""
	}
	p.name = append(append(append(p.name[:0], topic...), '/'), key...)
	return p.holds[string(p.name)]
}

func (p *parking) hold(topic string, key []byte, first string) {
	if p.holds == nil {
		p.holds = make(map[string]string)
	}
	p.holds[holdName(topic, key)] = first
}

// holdable tells whether later events of a bad event's key can be held: its topic must be one that they could go to.
func holdable(bad *outbox.BadEvent) bool {
	unroutable := []outbox.Reason{outbox.ReasonNoRoute, outbox.ReasonBadTopic, outbox.ReasonForbiddenTopic}
	return bad.Topic != "" && bad.Key != nil && !slices.Contains(unroutable, bad.Reason)
}

// add parks an event in a siding: the event itself, and a hold for its key if that is new. A *outbox.BadEvent says that
// no more may be parked.
func (p *parking) add(s *siding, e *publisher.Parked, bad *outbox.BadEvent) error {
	if p.parked >= uint64(p.failure.MaxHeld) {
		return p.full(s, bad)
	}
	e.Relay, e.Generation, e.Time = p.kafka.Relay, p.generation, p.now().UTC()
	e.Position, e.ID, e.Topic, e.Key, e.Reason, e.Detail = bad.Position, bad.ID, bad.Topic, bad.Key, string(bad.Reason), bad.Detail
	e.Behind = p.heldBehind(e.Topic, e.Key)
	if err := publisher.AppendParked(s.open(), p.topic, e); err != nil {
		return err
	}
	if e.Behind == "" && p.failure.HoldKey && holdable(bad) {
		hold := publisher.Hold{Topic: e.Topic, Key: e.Key, First: e.Position.String(), Time: e.Time}
		if err := p.kafka.AppendHold(s.open(), hold); err != nil {
			return err
		}
		p.hold(hold.Topic, hold.Key, hold.First)
		s.holds++
	}
	p.parked++
	s.events = append(s.events, parkedEvent{position: e.Position, id: e.ID, topic: e.Topic, key: e.Key, reason: bad.Reason, detail: e.Detail})
	return nil
}

// full says that an event cannot be parked because too many are. What its own transaction has parked is dropped by the
// halt: people find the rest in the parked topic.
func (p *parking) full(s *siding, bad *outbox.BadEvent) error {
	dropped := len(s.events) - s.whole.events
	more := *bad
	more.Reason = reasonMaxHeld
	more.Detail = fmt.Sprintf("failure.max_held allows %d parked events, %d are parked, and this transaction would add %d or more: %s",
		p.failure.MaxHeld, p.parked-uint64(dropped), dropped+1, bad.Detail)
	return &more
}

// parkedRecord is a mapped event to be parked. It borrows from the record.
func parkedRecord(rec *outbox.Record, commitTime int64) *publisher.Parked {
	return &publisher.Parked{
		Kind: publisher.ParkedRecord, Headers: rec.Headers, Value: rec.Value, Partition: rec.Partition, Timestamp: rec.Timestamp,
		XID: rec.XID, CommitTime: commitTime,
	}
}

// parkedSource is what could not be mapped, to be parked as it was received.
func parkedSource(m *replication.Message, tx *outbox.Transaction) (*publisher.Parked, error) {
	e := &publisher.Parked{Partition: outbox.PartitionByKey, Timestamp: tx.CommitTime / 1000, CommitTime: tx.CommitTime, XID: tx.XID}
	if m.Kind == replication.LogicalMessage {
		e.Kind, e.Value = publisher.ParkedMessage, m.Content
		return e, nil
	}
	var err error
	e.Kind = publisher.ParkedRow
	e.Value, err = encodeRow(m)
	return e, err
}
