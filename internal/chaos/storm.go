package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
)

// Storm lets faults befall relays and all their servers, one or two at a time, while applications write. It is a sequence
// of lives: each has a relay name, a database and topics of its own, and ends with a fault that must be refused, if there
// are such among the faults. At the end of each the oracle judges.
type Storm struct {
	Seed     uint64
	Postgres int           // major version; 0: the default
	Kafka    int           // major version; 0: the default
	Faults   []*Fault      // all of them come in turn, in an order that the seed shuffles
	Strikes  int           // faults in all; 0: each once, or as many as For has room for
	For      time.Duration // no life begins after that; 0: Strikes counts
	Dir      string        // where configuration, logs and protocol logs of each life are kept
	Binary   string        // as Build made it
	Say      func(string, ...any)
}

// strikesOfALife is how many faults a relay lives through before the one that it must refuse.
const strikesOfALife = 5

// longestHold is how long a fault lasts at most: longer than Postgres waits for a silent relay.
const longestHold = 4 * time.Second

// Run carries the storm out. The error says what kept it from its end, a relay that did not go on or did not refuse
// among it; it stands in the report too.
func (s *Storm) Run(ctx context.Context) (*StormReport, error) {
	r := newStormReport(s)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return r, err
	}
	w, err := StartWorld(ctx, s.Postgres, s.Kafka, func(text string) { s.Say("%s", text) })
	if err == nil {
		if err = r.versions(ctx, w, s.Binary); err == nil {
			err = s.lives(ctx, w, r)
		}
		err = errors.Join(err, w.Close())
	}
	r.Took = time.Since(r.Began)
	if err != nil {
		r.Error = err.Error()
	}
	return r, err
}

func (s *Storm) lives(ctx context.Context, w *World, r *StormReport) error {
	p := newForecast(s)
	for n := 1; p.more(r); n++ {
		seed := s.Seed + uint64(n)<<40 // apart from those of another storm
		settings := RandomSettings(seed)
		settings.WalSenderTimeout = stormSenderTimeout
		life := r.life(fmt.Sprintf("storm%d", n), settings)
		if n > 1 {
			if err := w.sweep(ctx, r.Lives[n-2].Name); err != nil {
				return err
			}
		}
		if err := s.live(ctx, w, r, life, seed, p); err != nil {
			return fmt.Errorf("life %s: %w", life.Name, err)
		}
	}
	return nil
}

// live is one life.
func (s *Storm) live(ctx context.Context, w *World, r *StormReport, report *LifeReport, seed uint64, p *forecast) (err error) {
	l, err := w.begin(ctx, s.Binary, s.Dir, report)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, l.close())
		if report.Protocol == "" {
			var replayed error
			report.Protocol, replayed = l.fleet.replay()
			err = errors.Join(err, replayed)
		}
		r.note(report, KindVerdict, "", report.summary(), 0)
	}()
	snapshots, err := l.storm(ctx, seed, func(ctx context.Context) error {
		if _, err := l.published(ctx); err != nil {
			return err
		}
		for _, b := range p.blows() {
			if err := s.strike(ctx, l, r, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = l.conclude(ctx, snapshots)
	}
	last := p.last()
	if err != nil || last == nil {
		return err
	}
	began := time.Now()
	r.note(report, KindStrike, last.Name, last.What, 0)
	if err := l.tamper(ctx, last); err != nil {
		return fmt.Errorf("%s must be refused with %s: %w", last, last.Refuses, err)
	}
	r.note(report, KindRefused, last.Name, last.Refuses.String(), time.Since(began))
	return nil
}

// strike lets one or two faults happen, holds them, mends them, and waits until events come through.
func (s *Storm) strike(ctx context.Context, l *life, r *StormReport, b blow) error {
	began := time.Now()
	var mends []Mend
	for i, f := range b.faults {
		r.note(l.LifeReport, KindStrike, f.Name, f.What, 0)
		mend, err := f.Strike(ctx, l, b.picks[i])
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if mend != nil {
			mends = append(mends, mend)
		}
	}
	if len(mends) > 0 {
		if err := pause.For(ctx, b.hold); err != nil {
			return err
		}
		if err := together(mends)(ctx); err != nil {
			return fmt.Errorf("mend %s: %w", b, err)
		}
		r.note(l.LifeReport, KindMend, b.String(), "", time.Since(began))
	}
	took, err := l.published(ctx)
	if err != nil {
		return fmt.Errorf("after %s: %w", b, err)
	}
	r.note(l.LifeReport, KindRecovered, b.String(), "", took)
	return pause.For(ctx, b.pause)
}
