package relay

import (
	"context"
	"sync"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// unit is what one Kafka transaction takes: whole Postgres transactions, or one piece of a large one.
type unit struct {
	batch        *outbox.Batch
	whole        outbox.Mark            // end of the last whole transaction in batch
	siding       siding                 // what goes to Relay's own topics instead
	resume       outbox.LSN             // everything below is decided once the unit is committed
	witness      publisher.Transaction  // zero: none
	partial      *publisher.Transaction // set when the unit ends inside a transaction
	piece        uint32                 // from 1 for a piece, 0 for whole transactions
	transactions int
	commitTime   int64 // of the oldest event, microseconds since the Unix epoch
	sealed       bool
	pauses       int                           // of the flow, since it was begun
	counted      struct{ events, bytes int64 } // what the status knows of it as pending
}

// events is how many events it has, parked ones included.
func (u *unit) events() int { return u.batch.Len() + len(u.siding.events) }

// size is the memory of its events, in bytes.
func (u *unit) size() int { return u.batch.Size() + u.siding.size() }

func (u *unit) empty() bool { return u.events() == 0 }

// eager tells that it has enough not to wait for more.
func (u *unit) eager() bool { return u.events() >= eagerEvents || u.size() >= eagerBytes }

// endsWhole tells that nothing in it belongs to a transaction that is still open.
func (u *unit) endsWhole() bool { return u.batch.Mark() == u.whole && u.siding.endsWhole() }

// count tells the status what is pending by now.
func (u *unit) count(t *status.Tracker) {
	events, bytes := int64(u.events()), int64(u.size())
	t.Pending(events-u.counted.events, bytes-u.counted.bytes)
	u.counted.events, u.counted.bytes = events, bytes
}

// uncount tells the status that nothing of it is pending any more.
func (u *unit) uncount(t *status.Tracker) {
	t.Pending(-u.counted.events, -u.counted.bytes)
}

// progress is how far the stream has come by without anything to publish.
type progress struct {
	resume  outbox.LSN
	witness publisher.Transaction // the last one with rows that was decided whole; zero: none
}

// pipeline hands units from the receiver to the committer. Its batches are all the memory that events in flight can
// take: when none is free the receiver stops reading.
//
// A unit that ends between transactions is lent before the receiver blocks on the socket: the committer may take it at
// any moment, and the receiver takes it back to fill it further if the committer was busy all the while. So a lone
// event is committed at once, and under load transactions share a Kafka transaction without anybody waiting for a timer.
type pipeline struct {
	free  chan *outbox.Batch
	ready chan struct{} // capacity 1: the queue or closed has changed

	// tellIdle wakes the committer for idle progress too, for a relay that stops when it has caught up.
	tellIdle bool

	mu     sync.Mutex
	queue  []*unit
	hungry bool     // the committer has nothing to do
	closed bool     // nothing more will come
	idle   progress // zero: none
}

func newPipeline(batches int) *pipeline {
	p := &pipeline{free: make(chan *outbox.Batch, batches), ready: make(chan struct{}, 1)}
	for range batches {
		p.free <- new(outbox.Batch)
	}
	return p
}

// fresh waits for a free batch.
func (p *pipeline) fresh(ctx context.Context) (*unit, error) {
	select {
	case b := <-p.free:
		return &unit{batch: b}, nil
	default:
	}
	select {
	case b := <-p.free:
		return &unit{batch: b}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// lend offers u to the committer; reclaim may get it back.
func (p *pipeline) lend(u *unit) { p.push(u, false) }

// hand gives u away for good.
func (p *pipeline) hand(u *unit) { p.push(u, true) }

func (p *pipeline) push(u *unit, sealed bool) {
	p.mu.Lock()
	u.sealed = sealed
	p.queue = append(p.queue, u)
	p.idle = progress{}
	p.mu.Unlock()
	p.signal()
}

// reclaim takes a lent unit back, or returns nil when the committer has it.
func (p *pipeline) reclaim() *unit {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.queue) - 1
	if last < 0 || p.queue[last].sealed {
		return nil
	}
	u := p.queue[last]
	p.queue = p.queue[:last]
	return u
}

// isHungry reports whether the committer waits for work.
func (p *pipeline) isHungry() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hungry && len(p.queue) == 0
}

// take gives the oldest unit, or nil when there is none now; ended says that none will come.
func (p *pipeline) take() (u *unit, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.hungry = true
		return nil, p.closed
	}
	u = p.queue[0]
	p.queue = append(p.queue[:0], p.queue[1:]...)
	p.hungry = false
	return u, false
}

// recycle gives the memory of a committed unit back.
func (p *pipeline) recycle(u *unit) {
	u.batch.Reset()
	p.free <- u.batch
}

// close says that nothing more will be handed over.
func (p *pipeline) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.signal()
}

// setIdle notes progress of a stream that has nothing to publish beyond what was pushed already. It holds until another
// unit is pushed or clearIdle.
func (p *pipeline) setIdle(at progress) {
	p.mu.Lock()
	p.idle = at
	p.mu.Unlock()
	if p.tellIdle {
		p.signal()
	}
}

// clearIdle is called when a transaction with rows has begun: the pipeline is not empty any more.
func (p *pipeline) clearIdle() {
	p.mu.Lock()
	p.idle = progress{}
	p.mu.Unlock()
}

// takeIdle gives the idle progress if nothing at all is in the pipeline.
func (p *pipeline) takeIdle() progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		return progress{}
	}
	at := p.idle
	p.idle = progress{}
	return at
}

// peekIdle shows what takeIdle would give.
func (p *pipeline) peekIdle() progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle
}

func (p *pipeline) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}
