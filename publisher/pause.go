package publisher

import (
	"context"
	"time"
)

// pause waits a little longer each time.
type pause struct {
	d, most time.Duration
}

func newPause(first, most time.Duration) *pause { return &pause{d: first, most: most} }

// shortPause is for CONCURRENT_TRANSACTIONS: markers take 1-4 ms, and a fixed 20 ms costs five-fold on three brokers.
func shortPause() *pause { return newPause(300*time.Microsecond, 50*time.Millisecond) }

// next waits, or returns why ctx is done.
func (p *pause) next(ctx context.Context) error {
	timer := time.NewTimer(p.d)
	defer timer.Stop()
	p.d = min(p.d+p.d/2, p.most)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
