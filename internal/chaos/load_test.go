package chaos

import (
	"context"
	"testing"
)

// load is a workload that runs beside a test.
type load struct {
	quiet func()
	done  chan struct{}
	tally Tally
	err   error
}

// startLoad writes until stop, at most until the end of the test.
func startLoad(t *testing.T, place *Place, w Workload) *load {
	t.Helper()
	ctx, quiet := context.WithCancel(t.Context())
	l := &load{quiet: quiet, done: make(chan struct{})}
	if w.Seed == 0 {
		w.Seed = newSeed(t)
	}
	go func() {
		defer close(l.done)
		l.tally, l.err = w.Run(ctx, place)
	}()
	t.Cleanup(func() {
		quiet()
		<-l.done
	})
	return l
}

// stop ends the workload and its transactions.
func (l *load) stop(t *testing.T) Tally {
	t.Helper()
	l.quiet()
	<-l.done
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.tally
}

// expectClean waits until everything is published, stops the relays, and asks the oracle and the model. Nobody may have
// refused: none of these tests gives a relay a cause.
func expectClean(t *testing.T, f *Fleet) *Verdict {
	t.Helper()
	ctx := bounded(t, limit)
	reader := newReader(t, f.Place)
	if err := f.settle(ctx, reader); err != nil {
		t.Fatal(err)
	}
	v, err := f.Place.judge(ctx, reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Processes {
		if why := p.Alarm(); why != "" {
			t.Errorf("%s: %s", p.Name, why)
		}
	}
	wrong, err := f.replay()
	if err != nil {
		t.Fatal(err)
	}
	if wrong != "" {
		t.Error(wrong)
	}
	if wrong, err = f.audit(ctx); err != nil {
		t.Fatal(err)
	}
	if wrong != "" {
		t.Errorf("relay audit: %s", wrong)
	}
	if !v.Clean() {
		t.Errorf("the verdict is not clean: %+v", v)
	}
	t.Logf("written %d, published %d", v.Written, v.Published)
	return v
}

func newReader(t *testing.T, p *Place) *Reader {
	t.Helper()
	r, err := NewReader(p.Brokers, p.topics()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// awaitMark commits an event of its own and waits until it is visible.
func awaitMark(t *testing.T, p *Place, r *Reader) {
	t.Helper()
	ctx := bounded(t, limit)
	id, err := p.mark(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.awaitEvent(ctx, id); err != nil {
		t.Fatal(err)
	}
}
