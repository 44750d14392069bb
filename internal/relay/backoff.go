package relay

import (
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 15 * time.Second
	// standbyEvery is how often a standby looks whether the slot is free: a tenth of what taking over takes.
	standbyEvery = 200 * time.Millisecond
	// commandEvery is how often a daemon looks whether a command has finished.
	commandEvery = 300 * time.Millisecond
	// fencedMin and fencedMax bound the random pause of a fenced relay; each is longer than a start-up takes, so that two
	// relays do not shoot each other down in turn.
	fencedMin = time.Second
	fencedMax = 3 * time.Second
)

// backoff doubles from firstBackoff to maxBackoff, each time with up to a quarter off at random.
type backoff struct {
	last time.Duration
}

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, firstBackoff), maxBackoff)
	return b.last - rand.N(b.last/4+1)
}

func (b *backoff) reset() { b.last = 0 }

func fencedPause() time.Duration {
	return fencedMin + rand.N(fencedMax-fencedMin)
}
