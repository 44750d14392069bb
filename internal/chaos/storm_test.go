package chaos

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestStorm is a short one with a fixed seed: two relays, three brokers, and a server that is promoted. Longer ones are
// `make chaos`.
func TestStorm(t *testing.T) {
	t.Parallel()
	faults, err := SelectFaults([]string{
		"coordinator-kill", "relay-freeze", "promotion", "restored-and-written",
	}, devstack.DefaultPostgres)
	if err != nil {
		t.Fatal(err)
	}
	s := &Storm{Seed: 7, Faults: faults, Dir: logDir(t), Binary: relayBinary(t), Say: t.Logf}
	r, err := s.Run(bounded(t, 2*limit))
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", text.String())
	if err != nil || !r.Clean() {
		t.Errorf("the storm is not clean: %v", err)
	}
	if len(r.Lives) != 1 || r.Count(KindStrike) != len(faults) || r.Count(KindRefused) != 1 || r.Total().Published == 0 {
		t.Error("that was no storm")
	}
}

// TestForecast: a seed says what comes, and everything comes.
func TestForecast(t *testing.T) {
	faults, err := SelectFaults(nil, devstack.DefaultPostgres)
	if err != nil {
		t.Fatal(err)
	}
	plan := func(seed uint64) (lives []string, dealt map[string]int) {
		dealt = make(map[string]int)
		p := newForecast(&Storm{Seed: seed, Faults: faults})
		for p.more(nil) {
			var life []string
			for _, b := range p.blows() {
				life = append(life, b.String(), b.hold.String())
				for i, f := range b.faults {
					dealt[f.Name]++
					if i > 0 && !f.goesWith(b.faults[0]) {
						t.Errorf("seed %d: %s at once", seed, b)
					}
				}
			}
			last := p.last()
			dealt[last.Name]++
			lives = append(lives, strings.Join(append(life, last.Name), " "))
		}
		return lives, dealt
	}
	for seed := range uint64(50) {
		lives, dealt := plan(seed)
		for _, f := range faults {
			if dealt[f.Name] == 0 {
				t.Errorf("seed %d: %s never comes", seed, f)
			}
		}
		if again, _ := plan(seed); !slices.Equal(lives, again) {
			t.Errorf("seed %d: %v, then %v", seed, lives, again)
		}
	}
}

func TestSelectFaults(t *testing.T) {
	if _, err := SelectFaults([]string{"relay-kill", "rain"}, 17); err == nil || !strings.Contains(err.Error(), `"rain"`) {
		t.Errorf("an unknown fault: %v", err)
	}
	names := func(postgres int) (names []string) {
		faults, err := SelectFaults(nil, postgres)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			names = append(names, f.Name)
		}
		return names
	}
	if old, recent := names(16), names(17); !slices.Contains(old, "promotion-without-slot") || slices.Contains(old, "promotion") || !slices.Contains(recent, "promotion") {
		t.Errorf("Postgres 16 has %v, 17 %v", old, recent)
	}
	seen := make(map[string]bool)
	for _, f := range Faults() {
		if seen[f.Name] || f.What == "" || f.Strike == nil || f.Refuses == 0 && f.Hits == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
	}
}

// TestStormPage: what the report says stands on the page, escaped.
func TestStormPage(t *testing.T) {
	r := &StormReport{
		Seed: 4711, Took: 10 * time.Second, Error: "life <storm1>", say: t.Logf,
		Lives:    []*LifeReport{{Name: "storm1", Verdict: &Verdict{Missing: 1, Findings: []Finding{{"missing", "event 5"}}}}},
		Timeline: []Note{},
	}
	for _, n := range []Note{
		{At: time.Second, Kind: KindStrike, Fault: "broker-kill"},
		{At: 3 * time.Second, Kind: KindMend, Fault: "broker-kill", Took: 2 * time.Second},
		{At: 4 * time.Second, Kind: KindRecovered, Fault: "broker-kill", Took: time.Second},
		{At: 5 * time.Second, Kind: KindStrike, Fault: "restored"},
		{At: 7 * time.Second, Kind: KindRefused, Fault: "restored", Text: fault.HistoryLost.String(), Took: 2 * time.Second},
	} {
		n.Life = "storm1"
		r.Timeline = append(r.Timeline, n)
	}
	var page strings.Builder
	if err := r.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"4711", "WRONG", "life &lt;storm1&gt;", "storm1: event 5", `class="back"`, `class="refused"`, "RLY1006",
		`<rect class="down" x="100" y="2" width="200" height="10">`,
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if r.Clean() {
		t.Error("the report is clean")
	}
}
