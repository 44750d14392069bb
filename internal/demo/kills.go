package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
)

const (
	kills = 3
	// recoveryLimit is when the demo gives up, not what is expected.
	recoveryLimit = 30 * time.Second
)

// killAgain kills the relay at random moments, starts it again at once, and gives how long each kill was felt.
func killAgain(ctx context.Context, r *relay, l *ledger, say *narrator) ([]time.Duration, error) {
	var recoveries []time.Duration
	for range kills {
		if err := pause.For(ctx, time.Second+rand.N(2*time.Second)); err != nil {
			return nil, err
		}
		victim, at := r.pid(), time.Now()
		if err := r.kill(); err != nil {
			return nil, err
		}
		say.step("kill -9", "pid %d, while %s events can be read", victim, count(l.count()))
		recovery, err := recoverFrom(ctx, at, r, l, say)
		if err != nil {
			return nil, err
		}
		recoveries = append(recoveries, recovery)
	}
	return recoveries, pause.For(ctx, time.Second)
}

// recoverFrom starts the next process of a relay that was killed at a time, and waits for an event that committed in
// Postgres after it: such an event was certainly published by the new process. It gives the time from the kill until that
// event could be read.
func recoverFrom(ctx context.Context, killed time.Time, r *relay, l *ledger, say *narrator) (time.Duration, error) {
	if err := r.start(ctx); err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, recoveryLimit)
	defer cancel()
	// Commit times come in whole milliseconds, cut off: one from the next millisecond on is later.
	next, err := l.await(limited, func(e record) bool { return e.committed.After(killed) })
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		return 0, fmt.Errorf("no new event could be read within %v after kill -9: %s", recoveryLimit, r.logTail())
	}
	recovery := next.seen.Sub(killed)
	read := r.said("checkpoint read")
	say.step("relay run", "pid %d goes on behind event %s (%s); new events after %v",
		r.pid(), count(read.Events), read.ResumeLSN, recovery.Round(time.Millisecond))
	return recovery, nil
}
