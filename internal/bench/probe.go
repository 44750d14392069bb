package bench

import (
	"context"
	"sync"
	"time"

	"github.com/outbox-relay/relay/internal/status"
)

const (
	firstEvery = time.Millisecond     // how often the first event is looked for
	lastEvery  = 5 * time.Millisecond // how often the last commit is noted; its time is exact
)

// Probe measures a relay from inside its process: from the first event that it has received to the last that it has
// committed.
type Probe struct {
	tracker *status.Tracker
	stop    context.CancelFunc
	ended   sync.WaitGroup
	meter   meter
	last    status.Progress // of the newest commit that had events
}

// StartProbe begins to look at a relay that has not started yet.
func StartProbe(ctx context.Context, tracker *status.Tracker) *Probe {
	p := &Probe{tracker: tracker}
	ctx, p.stop = context.WithCancel(ctx)
	p.ended.Go(func() { p.watch(ctx) })
	return p
}

func (p *Probe) watch(ctx context.Context) {
	tick := time.NewTicker(firstEvery)
	defer tick.Stop()
	for {
		now := p.tracker.Progress()
		if !p.meter.started() && (now.Pending > 0 || now.Events > 0) {
			tick.Reset(lastEvery)
			p.meter.start()
		}
		p.note(now)
		select {
		case <-ctx.Done():
			p.note(p.tracker.Progress())
			return
		case <-tick.C:
		}
	}
}

// note keeps the newest commit with events: one of the checkpoint alone may follow.
func (p *Probe) note(now status.Progress) {
	if now.Events > p.last.Events {
		p.last = now
	}
}

// Write ends the measurement and writes what was found to a file.
func (p *Probe) Write(path string) error {
	p.stop()
	p.ended.Wait()
	r := report{Events: p.last.Events, KafkaTransactions: p.last.KafkaTransactions, Last: p.last.At}
	p.meter.stop(&r)
	return r.write(path)
}
