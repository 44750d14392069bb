package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/pause"
)

// Campaign kills relays of a fleet, one after the other, while a workload writes, and asks in the end whether a
// read_committed reader sees exactly what the database has.
type Campaign struct {
	Fleet    *Fleet
	Seed     uint64
	Kills    int
	Workload Workload             // its seed is the campaign's
	Say      func(string, ...any) // told of each kill; nil: nobody
}

// restartWithin is the longest that a relay stays away after a kill; every other time it comes back at once.
const restartWithin = 500 * time.Millisecond

// Run carries the campaign out. The error says what kept it from its end; what the relay did wrong stands in the
// report.
func (c *Campaign) Run(ctx context.Context) (*Report, error) {
	r := newReport(c)
	reader, err := NewReader(c.Fleet.Place.Brokers, c.Fleet.Place.topics()...)
	if err != nil {
		return r, err
	}
	defer reader.Close()
	busy, quiet := context.WithCancel(ctx)
	defer quiet()
	group, busy := errgroup.WithContext(busy)
	group.Go(func() (err error) {
		c.Workload.Seed = c.Seed
		r.Workload, err = c.Workload.Run(busy, c.Fleet.Place)
		return err
	})
	var snapshots []Offsets
	group.Go(func() error {
		snapshots = reader.watch(busy)
		return nil
	})
	group.Go(func() error {
		c.Fleet.Place.checkpoint(busy)
		return nil
	})
	killing := c.kill(busy, r)
	quiet()
	if err := errors.Join(killing, group.Wait()); err != nil {
		return r, err
	}
	if err := c.Fleet.settle(ctx, reader); err != nil {
		return r, err
	}
	r.Took = time.Since(r.Began)
	if r.Protocol, err = c.Fleet.replay(); err != nil {
		return r, err
	}
	if r.Audit, err = c.Fleet.audit(ctx); err != nil {
		return r, err
	}
	r.Verdict, err = c.Fleet.Place.judge(ctx, reader, snapshots)
	return r, err
}

// kill launches and kills, and leaves one relay running.
func (c *Campaign) kill(ctx context.Context, r *Report) error {
	rng := rand.New(rand.NewPCG(c.Seed, killStream))
	for n := 1; ; n++ {
		p, err := c.Fleet.Launch()
		if err != nil || n > c.Kills {
			return err
		}
		m := randomMoment(rng)
		if err := m.await(ctx, p); err != nil {
			return fmt.Errorf("kill number %d, %s: %w", n, m, err)
		}
		if usage, err := p.Usage(); err == nil {
			r.peak(usage)
		}
		if err := p.Kill(); err != nil {
			return err
		}
		if why := p.Alarm(); why != "" {
			return fmt.Errorf("relay %s: %s", p.Name, why)
		}
		if err := r.killed(p, m, c.Say); err != nil {
			return err
		}
		if rng.IntN(2) == 0 {
			continue
		}
		if err := pause.For(ctx, time.Duration(rng.Int64N(int64(restartWithin)))); err != nil {
			return err
		}
	}
}

// Streams of random numbers, apart from those of the writers, which are counted from 0.
const (
	killStream     = 1 << 32
	settingsStream = 2 << 32
)

const (
	// snapshotEvery is how often a reader notes how far it could read.
	snapshotEvery = 100 * time.Millisecond
	// readEvery is how often a reader that waits for an event looks.
	readEvery = 20 * time.Millisecond
)

// watch notes the last stable offsets until ctx is done. A cluster that does not answer is what others look at.
func (r *Reader) watch(ctx context.Context) []Offsets {
	var snapshots []Offsets
	for pause.For(ctx, snapshotEvery) == nil {
		if ends, err := r.StableEnds(ctx); err == nil {
			snapshots = append(snapshots, ends)
		}
	}
	return snapshots
}

// settle writes a last event and waits until it is visible: all that was committed before it is then published, or never
// will be. Then it stops the relay that runs, in good order.
func (f *Fleet) settle(ctx context.Context, reader *Reader) error {
	id, err := f.Place.mark(ctx)
	if err != nil {
		return err
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	waiting, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	for _, p := range f.Processes {
		watching.Go(func() {
			if l, err := p.log.await(waiting, 0, alarming); err == nil {
				enough(fmt.Errorf("relay %s: %s", p.Name, strings.TrimSpace(l.text)))
			}
		})
	}
	if err := reader.awaitEvent(waiting, id); err != nil {
		return errors.Join(err, context.Cause(waiting))
	}
	for _, p := range f.Processes {
		if !p.Running() {
			continue
		}
		if err := p.Stop(ctx); err != nil {
			return err
		}
	}
	return nil
}

// judge compares what the database has with what Kafka shows.
func (p *Place) judge(ctx context.Context, reader *Reader, snapshots []Offsets) (*Verdict, error) {
	written, published, err := p.contents(ctx, reader)
	if err != nil {
		return nil, err
	}
	return Compare(written, published, snapshots), nil
}

// contents are what the database has and what Kafka shows.
func (p *Place) contents(ctx context.Context, reader *Reader) (written []Row, published []Published, err error) {
	if written, err = p.rows(ctx); err != nil {
		return nil, nil, err
	}
	published, err = reader.published(ctx)
	return written, published, err
}
