package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// releaseRound is one Kafka transaction of a release.
type releaseRound struct {
	release *release
	c       *command
	index   parkedIndex
	room    batchLimits
	events  []*ParkedEvent // those that something is done to

	values  map[outbox.Position]*publisher.Parked // of those that need them
	batch   outbox.Batch                          // to be published
	own     outbox.Batch                          // tombstones, and events that are parked anew
	gone    []*ParkedEvent
	stays   map[outbox.Position]refusedEvent // with what is new about them
	blocked map[string]bool                  // chains in which an event stays
}

// take adds what is to be done to a chain; full says that the rest of it must wait for the next round.
func (o *releaseRound) take(ch chain, fates []fate) (full bool) {
	for i, f := range fates {
		e := ch[i]
		switch f {
		case toStay:
			o.release.decide(e, toStay)
			if !o.says(e, o.release.refused[e.Position]) {
				continue
			}
		case toPublish, toSkip:
			if len(o.events) > 0 && (o.room.events < 1 || o.room.bytes < e.Size) {
				return true
			}
			o.release.decide(e, f)
		default:
			continue
		}
		o.room.events--
		o.room.bytes -= e.Size
		o.events = append(o.events, e)
	}
	return false
}

// says tells whether a reason is news about a parked event. What another topic says of it is not.
func (o *releaseRound) says(e *ParkedEvent, why refusedEvent) bool {
	elsewhere := o.release.ToTopic != "" && o.release.names(e)
	return !elsewhere && (string(why.reason) != e.Reason || why.detail != e.Detail)
}

// run carries the round out.
func (o *releaseRound) run(ctx context.Context) error {
	o.stays, o.blocked = make(map[outbox.Position]refusedEvent), make(map[string]bool)
	slices.SortFunc(o.events, func(a, b *ParkedEvent) int { return comparePositions(a.Position, b.Position) })
	if err := o.fetch(ctx); err != nil {
		return parkedTopicTrouble(o.c.cfg, err)
	}
	for _, e := range o.events {
		if err := o.apply(e); err != nil {
			return err
		}
	}
	return o.commit(ctx)
}

func (o *releaseRound) fetch(ctx context.Context) error {
	var offsets []int64
	for _, e := range o.events {
		if o.release.fates[e.Position] != toSkip {
			offsets = append(offsets, e.Offset)
		}
	}
	o.values = make(map[outbox.Position]*publisher.Parked, len(offsets))
	return o.c.producer.FetchParked(ctx, offsets, func(e *publisher.Parked) error {
		o.values[e.Position] = e
		return nil
	})
}

// apply does to one event what was decided.
func (o *releaseRound) apply(e *ParkedEvent) error {
	switch o.release.fates[e.Position] {
	case toSkip:
		o.remove(e)
		return nil
	case toStay:
		return o.stay(e, o.release.refused[e.Position])
	}
	if o.blocked[chainName(e)] {
		return nil
	}
	bad, err := o.publish(e)
	if err != nil || bad == nil {
		return err
	}
	refused := refusedEvent{reason: bad.Reason, detail: bad.Detail}
	o.release.refused.add(badEvents{e.Position: refused})
	o.release.fates[e.Position] = toStay
	return o.stay(e, refused)
}

// remove takes an event out of the parked topic.
func (o *releaseRound) remove(e *ParkedEvent) {
	publisher.AppendUnparked(&o.own, o.c.cfg.Parked, e.Position)
	o.gone = append(o.gone, e)
}

// stay parks an event anew, with what is known of it now; what waits behind it goes on waiting.
func (o *releaseRound) stay(e *ParkedEvent, why refusedEvent) error {
	o.blocked[chainName(e)] = true
	if !o.says(e, why) {
		return nil
	}
	o.stays[e.Position] = why
	again := *o.values[e.Position]
	again.Reason, again.Detail = string(why.reason), why.detail
	return publisher.AppendParked(&o.own, o.c.cfg.Parked, &again)
}

// publish maps an event into the batch. What still cannot be published is said by a *outbox.BadEvent.
func (o *releaseRound) publish(e *ParkedEvent) (*outbox.BadEvent, error) {
	to := ""
	if o.release.names(e) {
		to = o.release.ToTopic
	}
	before := o.batch.Mark()
	err := o.c.remap(o.values[e.Position], to, &o.batch)
	if bad, ok := errors.AsType[*outbox.BadEvent](err); ok {
		return bad, nil
	}
	if err != nil {
		return nil, err
	}
	last := o.batch.Len() - 1
	topic := o.batch.Topic(last)
	key, _ := o.batch.Route(last)
	if first := o.c.holds.by(topic, key); first != "" && (topic != e.Topic || string(key) != string(e.Key)) {
		o.batch.Truncate(before)
		return &outbox.BadEvent{
			Position: e.Position, Reason: outbox.Reason(e.Reason),
			Detail: fmt.Sprintf("it would go to topic %s now, where its key is held by %s: retry that first", topic, first),
		}, nil
	}
	o.remove(e)
	return nil, nil
}

// commit makes the round durable.
func (o *releaseRound) commit(ctx context.Context) error {
	if o.own.Len() == 0 {
		return nil // nothing is published without its tombstone
	}
	released := o.releaseHolds()
	next := *o.c.facts.Checkpoint
	next.Seq++
	next.Writer = o.c.writer()
	next.EventsTotal += uint64(o.batch.Len())
	next.Holds.Parked -= uint64(len(o.gone))
	next.Holds.Count -= uint64(len(released))
	commit := publisher.Commit{FirstSeq: o.c.facts.Checkpoint.EventsTotal + 1, Own: &o.own, Checkpoint: &next}
	if o.batch.Len() > 0 {
		commit.Batch = &o.batch
	}
	result, err := o.c.producer.Publish(ctx, commit)
	if e, ok := errors.AsType[*publisher.EventError](err); ok {
		return &refusedError{events: named(&o.batch, e), err: err}
	}
	if err != nil {
		return parkedTopicTrouble(o.c.cfg, fmt.Errorf("release parked events: %w", err))
	}
	if result.HoldsOffset >= 0 {
		next.Holds.LastOffset = result.HoldsOffset
	}
	o.c.facts.Checkpoint = &next
	o.settle(released)
	return nil
}

// releaseHolds appends the tombstones of holds that nothing waits for any more.
func (o *releaseRound) releaseHolds() []string {
	remaining := make(map[string]int)
	for _, e := range o.index {
		remaining[chainName(e)]++
	}
	for _, e := range o.gone {
		remaining[chainName(e)]--
	}
	var released []string
	for _, e := range o.gone {
		name := chainName(e)
		if _, held := o.c.holds[name]; held && remaining[name] == 0 {
			remaining[name]-- // once
			o.c.cfg.Kafka.AppendReleased(&o.own, e.Topic, e.Key)
			released = append(released, name)
		}
	}
	return released
}

// settle notes what is durable now.
func (o *releaseRound) settle(released []string) {
	for _, e := range o.gone {
		delete(o.index, e.Position)
	}
	for at, why := range o.stays {
		o.index[at].Reason, o.index[at].Detail = string(why.reason), why.detail
	}
	for _, name := range released {
		delete(o.c.holds, name)
	}
}
