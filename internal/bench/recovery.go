package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// Recovery is how long after kill -9, with an immediate restart and under load, the next event is visible: the first one
// whose INSERT began after the kill.
type Recovery struct {
	Rate    int    `json:"rate"` // events/s meanwhile
	Seconds Sample `json:"seconds"`
}

const (
	recoveryRate    = 500
	recoverySeconds = 6
	// killAfter is which share of the events comes before the kill.
	killAfter = 0.25
)

func (b *bench) planRecovery() []step {
	recovery := &Recovery{Rate: recoveryRate}
	var steps []step
	for round := 1; round <= b.Rounds; round++ {
		steps = append(steps, step{fmt.Sprintf("recovery after kill -9, round %d of %d", round, b.Rounds), func(ctx context.Context) error {
			b.result.Recovery = recovery
			return b.recovery(ctx, recovery)
		}})
	}
	return steps
}

func (b *bench) recovery(ctx context.Context, result *Recovery) error {
	return b.live(ctx, func(r *relayRun) error {
		notes := newLedger(max(recoveryRate, b.scaled(recoveryRate*recoverySeconds)))
		k, err := b.kafka.consume(ctx, r.topic, notes.saw)
		if err != nil {
			return err
		}
		defer k.close()
		group, both := errgroup.WithContext(ctx)
		group.Go(func() error { return b.db.writeEvenly(both, recoveryRate, len(notes.shown), notes) })
		group.Go(func() error {
			took, err := b.killAndRestart(both, r, notes)
			result.Seconds.add(took.Seconds())
			return err
		})
		if err := group.Wait(); err != nil {
			return err
		}
		if err := notes.await(ctx, unseenPatience); err != nil {
			return err
		}
		return k.close()
	})
}

func (b *bench) killAndRestart(ctx context.Context, r *relayRun, notes *ledger) (time.Duration, error) {
	before := killAfter * float64(len(notes.shown)) / recoveryRate * float64(time.Second)
	if err := sleepUntil(ctx, time.Now().Add(time.Duration(before))); err != nil {
		return 0, err
	}
	killed := time.Now()
	if err := r.daemon.kill(); err != nil {
		return 0, err
	}
	dead := time.Now() // what is written from here on only the next one can publish
	if err := b.start(ctx, r); err != nil {
		return 0, err
	}
	for {
		if at := notes.firstShownOf(dead); !at.IsZero() {
			return at.Sub(killed), nil
		}
		select {
		case <-r.daemon.ended:
			return 0, r.daemon.failure()
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}
