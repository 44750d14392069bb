package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
)

// moment says when a relay is killed: some time after its start or after it has begun to stream, or right after an
// action that it has written to its protocol log. Chance alone nearly always finds a relay that waits; most of what can
// go wrong lies in the milliseconds between two actions.
type moment struct {
	action string // empty: at the start
	nth    int    // how often the action is seen first, from 1
	after  time.Duration
}

func (m moment) String() string {
	switch {
	case m.action == "":
		return fmt.Sprintf("%v after the start", m.after.Round(time.Millisecond))
	case m.after > 0:
		return fmt.Sprintf("%v after %s", m.after.Round(time.Millisecond), m.action)
	}
	return fmt.Sprintf("at %s number %d", m.action, m.nth)
}

const (
	// latestKill is how long a relay lives at most that is killed at a time.
	latestKill = 500 * time.Millisecond
	// momentPatience is how long an action is waited for that may not come, as skip after a clean start.
	momentPatience = 2 * time.Second
)

// randomMoment is at an action in half of all cases.
func randomMoment(rng *rand.Rand) moment {
	after := time.Duration(rng.Int64N(int64(latestKill)))
	switch rng.IntN(4) {
	case 0:
		return moment{after: after}
	case 1:
		return moment{action: "guard", nth: 1, after: after}
	}
	names := momentNames()
	m := moment{action: names[rng.IntN(len(names))], nth: 1}
	if !oncePerSession(m.action) {
		m.nth += rng.IntN(8)
	}
	return m
}

// await waits for the moment, or until patience is at its end.
func (m moment) await(ctx context.Context, p *Process) error {
	if m.action == "" {
		return pause.For(ctx, time.Until(p.Started.Add(m.after)))
	}
	limited, cancel := context.WithTimeoutCause(ctx, momentPatience, errNotSeen)
	defer cancel()
	seen := 0
	_, err := p.awaitAction(limited, 0, func(a action) bool {
		if a.String() == m.action {
			seen++
		}
		return seen == m.nth
	})
	if err == nil && m.after > 0 {
		return pause.For(ctx, m.after)
	}
	if errors.Is(err, errNotSeen) {
		return nil
	}
	return err
}

var errNotSeen = errors.New("the action was not seen")
