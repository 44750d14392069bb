package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ledger notes for each event, by its number from 0, when its INSERT began, when its COMMIT returned, and when a
// consumer saw it first.
type ledger struct {
	mu                     sync.Mutex
	begun, returned, shown []time.Time
	left                   int // not yet shown
	moved                  chan struct{}
	strangers              int // numbers that were never written
}

func newLedger(events int) *ledger {
	return &ledger{
		begun: make([]time.Time, events), returned: make([]time.Time, events), shown: make([]time.Time, events),
		left: events, moved: make(chan struct{}, 1),
	}
}

func (l *ledger) wrote(event int, begun, returned time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[event], l.returned[event] = begun, returned
}

func (l *ledger) saw(event int, at time.Time) {
	l.mu.Lock()
	if event < 0 || event >= len(l.shown) {
		l.strangers++
	} else if l.shown[event].IsZero() {
		l.shown[event] = at
		l.left--
	}
	l.mu.Unlock()
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

// errUnseen says that events did not arrive: what was measured is not what was meant.
var errUnseen = errors.New("events were committed and not seen")

// await waits until every event was shown; patience is how long nothing may move.
func (l *ledger) await(ctx context.Context, patience time.Duration) error {
	for {
		l.mu.Lock()
		left := l.left
		l.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-l.moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(patience):
			return fmt.Errorf("%w: %d of %d", errUnseen, left, len(l.shown))
		}
	}
}

// latencies of some events are those from the return of COMMIT to a consumer, sorted, in milliseconds. An event can be
// seen before its writer has heard of the COMMIT: that counts as 0.
func (l *ledger) latencies(of func(event int) bool) []float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []float64
	for i := range l.shown {
		if of(i) {
			all = append(all, max(0, milliseconds(l.shown[i].Sub(l.returned[i]))))
		}
	}
	slices.Sort(all)
	return all
}

// early is the share of events that were seen before their writer has heard of the COMMIT. They stand among the latencies
// as 0; where there are many, the process of the benchmark itself had to wait for the CPU.
func (l *ledger) early(of func(event int) bool) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var early, all float64
	for i := range l.shown {
		if !of(i) {
			continue
		}
		if all++; l.shown[i].Before(l.returned[i]) {
			early++
		}
	}
	return ratio(early, all)
}

// rate is how many COMMITs a second have returned.
func (l *ledger) rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, last := l.returned[0], l.returned[0]
	for _, at := range l.returned {
		if at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	return ratio(float64(len(l.returned)-1), last.Sub(first).Seconds())
}

// firstShownOf gives when the first of those events was shown whose INSERT began after a moment; zero when there is none
// yet.
func (l *ledger) firstShownOf(after time.Time) (first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, at := range l.shown {
		if !at.IsZero() && l.begun[i].After(after) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
