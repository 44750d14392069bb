package relay

import (
	"sync/atomic"

	"github.com/outbox-relay/relay/outbox"
)

// durable tells other goroutines how far the durable checkpoint is, and lets them ask for the next one. Without it an
// idle relay's checkpoint would stand still for idleEvery while somebody waits for it with a lock held.
type durable struct {
	lsn    atomic.Uint64
	wanted chan struct{} // capacity 1; nil: nobody asks
}

// reached notes the resume LSN of a checkpoint that has committed.
func (d *durable) reached(lsn outbox.LSN) { d.lsn.Store(uint64(lsn)) }

// resume is the resume LSN of the durable checkpoint.
func (d *durable) resume() outbox.LSN { return outbox.LSN(d.lsn.Load()) }

// hurry asks for a checkpoint as soon as there is nothing else to do and the stream has come further.
func (d *durable) hurry() {
	select {
	case d.wanted <- struct{}{}:
	default:
	}
}
