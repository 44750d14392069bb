package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
)

// life is that of one relay name in a storm, from init to the fault that must be refused: two processes, of which one
// stands by, a database, and topics.
type life struct {
	*World
	*LifeReport
	place  *Place
	fleet  *Fleet
	reader *Reader
	relays []*Process // that run, or will again
	seen   Offsets    // up to where the oracle has waited for events
}

const (
	// patience is how long events may stay away after a fault. No fault needs it: the longest waits are those for a dead
	// connection and for a transaction that hangs.
	patience = 90 * time.Second
	// slotPause is between two looks at a standby's slots.
	slotPause = 200 * time.Millisecond
	// stormSenderTimeout is when Postgres gives up a silent relay; the default is longer than most faults.
	stormSenderTimeout = 2 * time.Second
)

// begin makes database and topics and launches the relays.
func (w *World) begin(ctx context.Context, binary, dir string, r *LifeReport) (*life, error) {
	place, err := w.place(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, r.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	l := &life{World: w, LifeReport: r, place: place, seen: Offsets{}}
	if l.fleet, err = NewFleet(ctx, place, binary, dir, r.Settings); err != nil {
		return nil, err
	}
	if l.reader, err = place.reader(); err != nil {
		return nil, err
	}
	if err := l.relaunch(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *life) close() error {
	l.reader.Close()
	return l.fleet.Close()
}

// relaunch fills up to two relays that run.
func (l *life) relaunch(context.Context) error {
	l.relays = slices.DeleteFunc(l.relays, func(p *Process) bool { return !p.Running() })
	for len(l.relays) < 2 {
		p, err := l.fleet.Launch()
		if err != nil {
			return err
		}
		l.relays = append(l.relays, p)
	}
	return nil
}

// one has exactly one relay run.
func (l *life) one(ctx context.Context) error {
	if err := l.retire(ctx); err != nil {
		return err
	}
	p, err := l.fleet.Launch()
	l.relays = []*Process{p}
	return err
}

// retire stops all relays in good order.
func (l *life) retire(ctx context.Context) error {
	for _, p := range l.relays {
		if !p.Running() {
			continue
		}
		if err := p.Stop(ctx); err != nil {
			return err
		}
	}
	l.relays = nil
	return nil
}

// answerWithin is how long a relay is waited for that is asked what it does: it may be frozen.
const answerWithin = time.Second

// working is the relay that streams; while none does, any.
func (l *life) working(ctx context.Context) *Process {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for _, p := range l.relays {
		if v, err := p.Status(ctx); err == nil && v.State == status.Streaming {
			return p
		}
	}
	return l.relays[0]
}

// published commits an event and waits until it is visible, and says how long that took. Relays that refuse or are broken,
// or have ended, end the waiting.
func (l *life) published(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no event came through for %v", patience))
	defer cancel()
	id, err := l.mark(ctx)
	if err != nil {
		return 0, err
	}
	ctx, stop := l.watched(ctx)
	defer stop()
	if _, err := l.reader.awaitEvents(ctx, l.seen, id); err != nil {
		return 0, errors.Join(context.Cause(ctx), err)
	}
	return time.Since(began), nil
}

// mark asks again while the server cannot take it. An event that was written twice is two events.
func (l *life) mark(ctx context.Context) (string, error) {
	for {
		id, err := l.place.mark(ctx)
		if err == nil {
			return id, nil
		}
		if late := pause.For(ctx, readEvery); late != nil {
			return "", errors.Join(late, err)
		}
	}
}

// watched is done when a relay says what none may say whose servers are as they were.
func (l *life) watched(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, p := range l.relays {
		watching.Go(func() {
			line, err := p.log.await(ctx, 0, alarming)
			switch {
			case err == nil:
				cancel(fmt.Errorf("relay %s: %s", p.Name, strings.TrimSpace(line.text)))
			case errors.Is(err, errEnded):
				cancel(fmt.Errorf("relay %s has ended by itself", p.Name))
			}
		})
	}
	return ctx, func() {
		cancel(nil)
		watching.Wait()
	}
}

// storm writes and strikes.
func (l *life) storm(ctx context.Context, seed uint64, strike func(context.Context) error) (snapshots []Offsets, err error) {
	busy, quiet := context.WithCancel(ctx)
	defer quiet()
	group, busy := errgroup.WithContext(busy)
	group.Go(func() (err error) {
		l.Workload, err = Workload{Seed: seed, Rate: stormRate, BulkRows: stormBulk}.Run(busy, l.place)
		return err
	})
	group.Go(func() error {
		snapshots = l.reader.watch(busy)
		return nil
	})
	group.Go(func() error {
		l.place.linger(busy, lingerFor)
		return nil
	})
	group.Go(func() error {
		l.place.checkpoint(busy)
		return nil
	})
	struck := strike(busy)
	quiet()
	return snapshots, errors.Join(struck, group.Wait())
}

const (
	stormRate = 150 // statements a second: enough that something always happens, little enough that faults are soon caught up with
	lingerFor = 3 * time.Second
	stormBulk = 15_000 // events of an occasional large transaction
)

// conclude waits until all is published, stops the relays, and lets oracle and audit judge.
func (l *life) conclude(ctx context.Context, snapshots []Offsets) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not everything was published within %v", patience))
	defer cancel()
	if err := l.fleet.settle(ctx, l.reader); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	l.relays = nil
	if l.Audit, err = l.fleet.audit(ctx); err != nil {
		return err
	}
	l.Verdict, err = l.place.judge(ctx, l.reader, snapshots)
	return err
}

// tamper strikes with what must be refused, and holds relays to it: they say why, and publish nothing more.
func (l *life) tamper(ctx context.Context, f *Fault) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s was not refused within %v", f, patience))
	defer cancel()
	if f.Live {
		if err := l.one(ctx); err != nil {
			return err
		}
		if _, err := l.published(ctx); err != nil {
			return err
		}
	}
	if _, err := f.Strike(ctx, l, 0); err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	if !f.Live {
		if err := l.one(ctx); err != nil {
			return err
		}
		clear(l.seen) // a topic may have been made anew
		if _, err := l.visible(ctx); err != nil {
			return err
		}
	}
	if err := l.refuses(ctx, f.Refuses); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if n, err := l.visible(ctx); err != nil || n > 0 {
		return errors.Join(err, fmt.Errorf("%d events were published after %s", n, f))
	}
	return nil
}

// visible reads on to the end and counts the events.
func (l *life) visible(ctx context.Context) (n int, err error) {
	err = l.reader.Read(ctx, l.seen, func(*kgo.Record) error {
		n++
		return nil
	})
	return n, err
}

// refuses waits until the relay has come to a verdict, which must be the one.
func (l *life) refuses(ctx context.Context, code fault.Code) error {
	var said *Status
	err := l.relays[0].AwaitStatus(ctx, "refused with "+code.String(), func(v *Status) bool {
		said = v
		return v.State == status.Refused || v.State == status.Halted
	})
	if err != nil {
		return err
	}
	if said.Code != code || said.State != status.Refused {
		return fmt.Errorf("the relay must refuse with %s, and is %s with %s: %s", code, said.State, said.Code, said.Reason)
	}
	return nil
}
