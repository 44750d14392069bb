package model

import (
	"flag"
	"strings"
	"testing"
	"time"
)

// deep walks larger worlds, for minutes instead of seconds.
var deep = flag.Bool("deep", false, "walk the large form of every scenario")

// maxStates bounds the walk of one scenario.
func maxStates() int {
	if *deep {
		return 12_000_000
	}
	return 250_000
}

func scenario(t *testing.T, name string) *Scenario {
	t.Helper()
	for _, sc := range Scenarios() {
		if sc.Name == name {
			return &sc
		}
	}
	t.Fatalf("no scenario %q", name)
	return nil
}

// walk explores a scenario without some rules.
func walk(t *testing.T, sc *Scenario, deep bool, removed ...Rule) *violation[state, label] {
	t.Helper()
	_, bad := explored(t, sc, newMachine(sc, deep, setOf(removed...)))
	return bad
}

func explored(t *testing.T, sc *Scenario, sys system[state, label]) (*exploration[state, label], *violation[state, label]) {
	t.Helper()
	x, bad, err := explore(sys, maxStates())
	if err != nil {
		t.Fatalf("scenario %q: %v", sc.Name, err)
	}
	return x, bad
}

// happened is what the walks came across.
type happened struct {
	deeds    [acknowledgeDeed + 1]bool
	verdicts [checkpointMissing + 1]bool
	faults   [numFaults]bool
}

// witnessed is a machine that notes what happens.
type witnessed struct {
	*machine
	all *happened
}

func (w witnessed) next(s *state, emit func(label, bool, *state)) {
	w.machine.next(s, func(l label, fault bool, to *state) {
		for f := range numFaults {
			if to.left[f] < s.left[f] {
				w.all.faults[f] = true
			}
		}
		if l.answer == answerOK {
			w.all.deeds[l.do] = true
		}
		for r := range to.relays {
			w.all.verdicts[to.relays[r].refusedFor] = true
		}
		emit(l, fault, to)
	})
}

// TestHolds walks every scenario with all rules. What is never put to the test holds too: so each fault, each deed and
// each verdict must have happened.
func TestHolds(t *testing.T) {
	if raceDetector {
		t.Skip("walked without the race detector")
	}
	var all happened
	for _, sc := range Scenarios() {
		t.Run(strings.ReplaceAll(sc.Name, " ", "_"), func(t *testing.T) {
			start := time.Now()
			x, bad := explored(t, &sc, witnessed{newMachine(&sc, *deep, 0), &all})
			t.Logf("%d states, %d steps, %d deep, %v", len(x.parent), x.steps, x.depth, time.Since(start).Round(time.Millisecond))
			if bad != nil {
				t.Error(bad)
			}
		})
	}
	for f, done := range all.faults {
		// A stale view changes nothing for a reader with a barrier.
		if !done && Fault(f) != staleView {
			t.Errorf("fault %d never happens", f)
		}
	}
	for d, done := range all.deeds {
		if !done {
			t.Errorf("%v is never done", deed(d))
		}
	}
	for v, given := range all.verdicts {
		if !given {
			t.Errorf("nobody refuses because of: %v", verdict(v))
		}
	}
}

// TestEveryRuleIsNeeded takes each rule out and demands that its scenario breaks.
func TestEveryRuleIsNeeded(t *testing.T) {
	if raceDetector {
		t.Skip("walked without the race detector")
	}
	for i, info := range Rules() {
		t.Run(info.Name, func(t *testing.T) {
			sc := scenario(t, info.Scenario)
			if len(info.With) > 0 {
				if bad := walk(t, sc, false, info.With...); bad != nil {
					t.Errorf("breaks without %v alone, which proves nothing about %s:\n%v", info.With, info.Name, bad)
				}
				if bad := walk(t, sc, false, Rule(i)); bad != nil {
					t.Errorf("breaks without this rule alone: it is no second line of defence\n%v", bad)
				}
			}
			bad := walk(t, sc, false, append(info.With, Rule(i))...)
			if bad == nil {
				t.Fatalf("scenario %q holds without %s: %s", sc.Name, info.Name, info.Says)
			}
			t.Logf("without it:\n%v", bad)
		})
	}
}

func TestRulesAreNamedAndUsed(t *testing.T) {
	rules := Rules()
	if len(rules) != int(numRules) {
		t.Fatalf("%d rules are described, there are %d", len(rules), numRules)
	}
	seen := map[string]bool{}
	for _, info := range rules {
		if info.Says == "" || info.When == "" || seen[info.Name] {
			t.Errorf("rule %q: described twice or not at all", info.Name)
		}
		seen[info.Name] = true
	}
}
