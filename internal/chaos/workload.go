package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// Workload writes events in all the ways in which an application may: interleaved transactions that commit in another
// order than they began in, rolled-back ones, savepoints, several rows and keys, COPY, WAL messages, prepared
// transactions, very large ones, and some that do not concern the outbox at all.
type Workload struct {
	Seed     uint64
	Writers  int // goroutines, each with its own keys; default 3
	Sessions int // transactions that a writer has open at once; default 4
	Keys     int // of a writer; default 12
	Rate     int // statements a second of all writers together; default 500
	BulkRows int // of an occasional large transaction; 0: none
}

func (w Workload) withDefaults() Workload {
	for _, f := range []struct {
		field     *int
		byDefault int
	}{{&w.Writers, 3}, {&w.Sessions, 4}, {&w.Keys, 12}, {&w.Rate, 500}} {
		if *f.field == 0 {
			*f.field = f.byDefault
		}
	}
	return w
}

// Tally counts what a workload did, as far as it was told: a COMMIT whose answer was lost is counted as lost only.
type Tally struct {
	Committed  int `json:"committed"`   // transactions
	Events     int `json:"events"`      // in them
	RolledBack int `json:"rolled_back"` // transactions
	Undone     int `json:"undone"`      // savepoints
	Copies     int `json:"copies"`
	Messages   int `json:"messages"`
	Prepared   int `json:"prepared"` // transactions that were committed in two phases
	Large      int `json:"large"`    // transactions
	Lost       int `json:"lost"`     // connections
}

func (t *Tally) ended(p *plan) {
	if !p.commits() {
		t.RolledBack++
		return
	}
	t.Committed++
	t.Events += p.size
	for _, s := range p.steps {
		switch {
		case s.kind == rollbackTo:
			t.Undone++
		case s.kind == copyIn && s.kept:
			t.Copies++
		case s.kind == message && s.kept:
			t.Messages++
		case s.kind == commitPrepared:
			t.Prepared++
		case s.kind == bulk:
			t.Large++
		}
	}
}

func (t *Tally) add(o Tally) {
	t.Committed += o.Committed
	t.Events += o.Events
	t.RolledBack += o.RolledBack
	t.Undone += o.Undone
	t.Copies += o.Copies
	t.Messages += o.Messages
	t.Prepared += o.Prepared
	t.Large += o.Large
	t.Lost += o.Lost
}

// finishLimit bounds how long the writers take to end their transactions.
const finishLimit = time.Minute

// Run writes until ctx is done, then carries every open transaction to its end. A connection that is lost is opened
// again; any other error of a statement is the workload's own and ends it.
func (w Workload) Run(ctx context.Context, p *Place) (Tally, error) {
	w = w.withDefaults()
	writers := make([]*writer, w.Writers)
	var group errgroup.Group
	for i := range writers {
		writers[i] = w.writer(p, i)
		group.Go(func() error { return writers[i].run(ctx, time.Duration(w.Writers)*time.Second/time.Duration(w.Rate)) })
	}
	err := group.Wait()
	var tally Tally
	for _, each := range writers {
		tally.add(each.tally)
	}
	if err != nil {
		return tally, fmt.Errorf("workload with seed %d: %w", w.Seed, err)
	}
	return tally, nil
}

func (w Workload) writer(p *Place, i int) *writer {
	rng := rand.New(rand.NewPCG(w.Seed, uint64(i)))
	name := fmt.Sprintf("w%d.%x", i, w.Seed)
	made := &writer{
		url: p.AppURL(), rng: rng, ids: rand.NewChaCha8(seed32(w.Seed, i)), busy: make(map[string]bool),
		planner: &planner{rng: rng, name: name, messages: p.Messages(), bulkRows: w.BulkRows},
	}
	for k := range w.Keys {
		made.keys = append(made.keys, fmt.Sprintf("w%d-key%d", i, k))
	}
	for s := range w.Sessions {
		made.sessions = append(made.sessions, &session{gid: fmt.Sprintf("%s.%s.%d", p.Name, name, s)})
	}
	return made
}

func seed32(seed uint64, writer int) (key [32]byte) {
	copy(key[:], fmt.Sprintf("%d/%d", seed, writer))
	return key
}

// run takes a turn each pace; what is late is not made up for.
func (w *writer) run(ctx context.Context, pace time.Duration) (err error) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	own := context.WithoutCancel(ctx) // a statement that has begun is waited for
	for ctx.Err() == nil && err == nil {
		err = w.turn(own)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	limited, cancel := context.WithTimeout(own, finishLimit)
	defer cancel()
	if err == nil {
		err = w.finish(limited)
	}
	for _, s := range w.sessions {
		err = errors.Join(err, s.close(limited))
	}
	return err
}
