package relay

import "github.com/outbox-relay/relay/outbox"

// siding is what of a unit goes to Relay's own topics: events that are parked, and holds. The zero value is an empty one:
// a unit without trouble has no memory for it.
type siding struct {
	batch  *outbox.Batch // nil: empty
	events []parkedEvent // those that are parked, in order
	holds  int           // keys that are held from here on
	whole  sidingMark    // end of the last whole transaction
}

// parkedEvent is what the log says of a parked event once it is durable.
type parkedEvent struct {
	position  outbox.Position
	id, topic string
	key       []byte
	reason    outbox.Reason
	detail    string
}

// sidingMark is a place in a siding.
type sidingMark struct {
	mark          outbox.Mark
	events, holds int
}

// open gives the batch to append to.
func (s *siding) open() *outbox.Batch {
	if s.batch == nil {
		s.batch = new(outbox.Batch)
	}
	return s.batch
}

// size is the memory that it uses, in bytes.
func (s *siding) size() int {
	if s.batch == nil {
		return 0
	}
	return s.batch.Size()
}

// markWhole notes that a transaction ends here.
func (s *siding) markWhole() {
	if s.batch != nil {
		s.whole = sidingMark{s.batch.Mark(), len(s.events), s.holds}
	}
}

// endsWhole tells that nothing stands behind the last whole transaction.
func (s *siding) endsWhole() bool { return len(s.events) == s.whole.events && s.holds == s.whole.holds }

// truncate drops what stands behind the last whole transaction.
func (s *siding) truncate() {
	if s.batch != nil {
		s.batch.Truncate(s.whole.mark)
		s.events, s.holds = s.events[:s.whole.events], s.whole.holds
	}
}

// moveTail moves what stands behind the last whole transaction to an empty siding.
func (s *siding) moveTail(to *siding) {
	if s.batch == nil || s.endsWhole() {
		return
	}
	s.batch.MoveTail(s.whole.mark, to.open())
	to.events = append(to.events, s.events[s.whole.events:]...)
	to.holds = s.holds - s.whole.holds
	s.events, s.holds = s.events[:s.whole.events], s.whole.holds
}

// own is what the publisher is given: nil when there is nothing.
func (s *siding) own() *outbox.Batch {
	if s.batch == nil || s.batch.Len() == 0 {
		return nil
	}
	return s.batch
}
