package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKills kills the relay at random moments while applications write, and counts out what came of it.
func TestKills(t *testing.T) {
	few := map[int]int{17: 6}
	for _, major := range versions(t, 13, 15, 17, 18) {
		t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) {
			kills := max(3, few[major])
			if *killsFlag > 0 {
				kills = *killsFlag
			}
			seed := newSeed(t)
			c := &Campaign{
				Fleet: newFleet(t, newPlace(t, major, relaxed()), RandomSettings(seed)), Seed: seed, Kills: kills, Say: t.Logf,
				Workload: Workload{BulkRows: 20_000},
			}
			r, err := c.Run(bounded(t, limit+time.Duration(kills)*5*time.Second))
			conclude(t, c.Fleet.Dir, r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Kills < kills || r.Verdict.Published == 0 {
				t.Errorf("%d kills and %d events are no campaign", r.Kills, r.Verdict.Published)
			}
		})
	}
}

// relaxed spares a server that nobody kills the waiting for its disk.
func relaxed() map[string]string { return map[string]string{"fsync": "off"} }

// conclude prints a report, keeps it beside the logs, and fails the test unless the verdict is clean.
func conclude(t *testing.T, dir string, r *Report) {
	t.Helper()
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", text.String())
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), out, 0o600); err != nil {
		t.Error(err)
	}
	if !r.Clean() {
		t.Error("the report is not clean")
	}
}
