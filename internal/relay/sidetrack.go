package relay

import (
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// sidetrack looks at the event that was just mapped, behind before in the unit's batch, and takes it out again if it
// cannot be published or must wait. A *outbox.BadEvent halts.
func (r *receiver) sidetrack(before outbox.Mark) error {
	batch := r.unit.batch
	last := batch.Len() - 1
	pos := batch.Position(last)
	refused, isBad := r.parking.bad[pos]
	if !isBad {
		key, _ := batch.Route(last)
		first := r.parking.heldBehind(batch.Topic(last), key)
		if first == "" {
			return nil
		}
		refused = refusedEvent{reason: reasonHeld, detail: "an earlier event of its topic and key is parked: " + first}
	}
	return r.takeOut(before, refused, isBad)
}

// takeOut moves the last event of the batch to the siding, or gives it back as the reason to halt.
func (r *receiver) takeOut(before outbox.Mark, refused refusedEvent, isBad bool) error {
	batch := r.unit.batch
	rec := batch.At(batch.Len() - 1)
	bad := refused.describe(&rec)
	if isBad && (refused.final || !r.parking.failure.Park) {
		batch.Truncate(before)
		return bad
	}
	err := r.parking.add(&r.unit.siding, parkedRecord(&rec, r.tx.CommitTime), bad)
	batch.Truncate(before)
	return err
}

// tooLarge is a row that no batch may hold. To be parked it is mapped all the same: topic and key decide what must wait
// behind it.
func (r *receiver) tooLarge(plan *outbox.Plan, m *replication.Message, index uint32) error {
	pos := r.tx.position(uint64(index))
	refused := refusedEvent{reason: reasonTooLarge, detail: fmt.Sprintf("the row has %d bytes, more than batch.max_bytes (%d)", len(m.Raw), r.limits.bytes)}
	if known := r.parking.bad[pos]; known.final {
		refused = known
	}
	bad := &outbox.BadEvent{Position: pos, Reason: refused.reason, Detail: refused.detail}
	switch {
	case !r.parking.failure.Park:
		return bad
	case len(m.Raw) > parkedRowLimit:
		return tooLargeToPark(bad)
	}
	before := r.unit.batch.Mark()
	if err := r.mapInto(plan, m, index); err != nil {
		return r.unmapped(m, err)
	}
	return r.takeOut(before, refused, true)
}

// unmapped parks a row or message that cannot become a record, or gives it back as the reason to halt. Any error but a
// *outbox.BadEvent is doubt.
func (r *receiver) unmapped(m *replication.Message, err error) error {
	bad, ok := errors.AsType[*outbox.BadEvent](err)
	if !ok {
		return err
	}
	refused := r.parking.bad[bad.Position]
	switch {
	case refused.final:
		bad.Reason, bad.Detail = refused.reason, refused.detail
		return bad
	case !r.parking.failure.Park:
		return bad
	case len(m.Raw) > parkedRowLimit:
		return tooLargeToPark(bad)
	}
	e, err := parkedSource(m, &r.tx.Transaction)
	if err != nil {
		return err
	}
	return r.parking.add(&r.unit.siding, e, bad)
}

// tooLargeToPark is the reason to halt before a row that no parked topic takes.
func tooLargeToPark(bad *outbox.BadEvent) *outbox.BadEvent {
	bad.Reason = reasonUnparkable
	bad.Detail += fmt.Sprintf("; and it cannot be parked: that takes at most %d bytes", parkedRowLimit)
	return bad
}

// haltOr ends the session before a bad event; any other error stays what it is.
func (r *receiver) haltOr(err error) error {
	if bad, ok := errors.AsType[*outbox.BadEvent](err); ok {
		return r.halt(bad)
	}
	return err
}
