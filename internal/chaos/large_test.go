package chaos

import (
	"testing"
	"time"
)

// TestLargeTransaction: a transaction that no Kafka transaction can hold is published in pieces, once, whatever kills the
// relay between them, in memory that its size does not change.
func TestLargeTransaction(t *testing.T) {
	t.Parallel()
	const (
		pieces = 12
		budget = 24 << 20
		kills  = 3
		// overhead is what a process takes beside the budget, generously: the program, the runtime, connections, garbage.
		overhead = 96 << 20
	)
	f := newFleet(t, newPlace(t, 0, relaxed()), Settings{MaxEvents: *rowsFlag/pieces + 1, Memory: budget})
	began := time.Now()
	if err := f.Place.fill(bounded(t, 10*limit), *rowsFlag); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows written in %v", *rowsFlag, time.Since(began).Round(time.Millisecond))

	var peak int64
	note := func(p *Process) {
		usage, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		peak = max(peak, usage.Peak)
	}
	inside := 0
	for range kills {
		p, err := f.Launch()
		if err != nil {
			t.Fatal(err)
		}
		first := awaitCommit(t, p, 0)
		awaitCommit(t, p, p.protocol.len())
		note(p)
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		committed := actionsOf(t, p)
		t.Logf("%s killed at %q after %d commits", p.Name, lastAction(committed), count(committed, action.commits))
		if last := lastCommit(committed); last.ResumeLSN == first.ResumeLSN {
			inside++ // the transaction is not decided yet, or the checkpoint would have moved past it
		}
	}
	if inside == 0 {
		t.Error("no relay was killed within the transaction")
	}
	p, err := f.Launch()
	if err != nil {
		t.Fatal(err)
	}
	awaitMark(t, f.Place, newReader(t, f.Place))
	note(p)
	v := expectClean(t, f)
	if v.Cut != 1 {
		t.Errorf("%d transactions were published in pieces, want 1", v.Cut)
	}
	t.Logf("most memory resident: %.1f MiB with a budget of %d MiB", float64(peak)/(1<<20), budget>>20)
	// The race detector takes several times as much.
	if peak > budget+overhead && raceFlags() == nil {
		t.Errorf("%d bytes resident, want at most %d", peak, budget+overhead)
	}
}

func lastCommit(list []action) (last action) {
	for _, a := range list {
		if a.commits() {
			last = a
		}
	}
	return last
}
