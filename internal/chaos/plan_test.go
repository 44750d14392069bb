package chaos

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// simulate counts what a transaction leaves behind as Postgres would.
func simulate(p *plan) int {
	events, atSavepoint := 0, 0
	for _, s := range p.steps {
		switch s.kind {
		case insertOne, insertMany, copyIn, emit, message:
			events += len(s.keys)
		case bulk:
			events += s.rows
		case savepoint:
			atSavepoint = events
		case rollbackTo:
			events = atSavepoint
		}
	}
	return events
}

func TestPlansSayTheirSize(t *testing.T) {
	keys := []string{"a", "b", "c", "d", "e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		pl := &planner{
			rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), name: "w", bulkRows: 100,
			messages: rapid.Bool().Draw(t, "messages"),
		}
		free := keys[:rapid.IntRange(1, len(keys)).Draw(t, "free")]
		for range 100 {
			p := pl.next(free)
			if got := simulate(p); got != p.size {
				t.Fatalf("%+v says %d, leaves %d", p.steps, p.size, got)
			}
			for _, s := range p.steps {
				if (s.kind == message || s.kind == loose) && !pl.messages {
					t.Fatalf("%+v has a WAL message", p.steps)
				}
			}
			if last := p.steps[len(p.steps)-1].kind; last < commit {
				t.Fatalf("%+v ends with %s", p.steps, last)
			}
		}
	})
}

func TestASeedGivesOneSequence(t *testing.T) {
	make100 := func(seed uint64) (plans []string) {
		pl := &planner{rng: rand.New(rand.NewPCG(seed, 1)), name: "w", bulkRows: 100, messages: true}
		for range 100 {
			plans = append(plans, fmt.Sprintf("%+v", *pl.next([]string{"a", "b", "c"})))
		}
		return plans
	}
	if diff := cmp.Diff(make100(7), make100(7)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(make100(7), make100(8)) {
		t.Error("two seeds give the same plans")
	}
}

// TestEveryStepComesUp: a campaign of a few minutes does everything that it is meant to do.
func TestEveryStepComesUp(t *testing.T) {
	pl := &planner{rng: rand.New(rand.NewPCG(1, 1)), name: "w", bulkRows: 100, messages: true}
	seen := make(map[stepKind]int)
	for range 1000 {
		for _, s := range pl.next([]string{"a", "b", "c"}).steps {
			seen[s.kind]++
		}
	}
	for k := range stepKinds {
		if seen[k] == 0 {
			t.Errorf("no %s in 1000 transactions", k)
		}
	}
}
