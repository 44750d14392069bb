package bench

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	l := newLedger(4)
	at := func(ms int) time.Time { return time.UnixMilli(1_800_000_000_000 + int64(ms)) }
	for n := range 4 {
		l.wrote(n, at(n*100), at(n*100+10))
	}
	l.saw(0, at(12))
	l.saw(1, at(105)) // before the writer heard of its COMMIT
	l.saw(2, at(260))
	l.saw(2, at(999)) // again: the first time counts
	if first := l.firstShownOf(at(250)); !first.IsZero() {
		t.Errorf("event 3 was shown at %v", first)
	}
	l.saw(3, at(317))
	l.saw(7, at(318)) // nobody wrote it
	if diff := cmp.Diff([]float64{0, 2, 7, 50}, l.latencies(func(int) bool { return true })); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{7, 50}, l.latencies(func(n int) bool { return n >= 2 })); diff != "" {
		t.Error(diff)
	}
	if got := l.early(func(int) bool { return true }); got != 0.25 {
		t.Errorf("%v of the events were seen early, want a quarter", got)
	}
	if first := l.firstShownOf(at(150)); !first.Equal(at(260)) {
		t.Errorf("the first event written after the kill was shown at %v", first)
	}
	if got := l.rate(); got != 10 {
		t.Errorf("rate %v, want 10", got)
	}
	if err := l.await(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
}

func TestLedgerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(2)
		go func() {
			time.Sleep(9 * time.Second)
			l.saw(0, time.Now())
		}()
		begun := time.Now()
		if err := l.await(t.Context(), 10*time.Second); !errors.Is(err, errUnseen) {
			t.Errorf("await: %v", err)
		}
		if waited := time.Since(begun); waited != 19*time.Second {
			t.Errorf("gave up after %v, want 10s after the last event", waited)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted"))
		if err := l.await(ctx, time.Hour); err == nil || err.Error() != "interrupted" {
			t.Errorf("await after an interrupt: %v", err)
		}
	})
}
