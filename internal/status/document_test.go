package status

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
)

// The table in the documentation stands between these lines.
const (
	tableBegins = "<!-- The table is written by `go test ./internal/status -update`. -->\n"
	tableEnds   = "<!-- End of the table. -->\n"
)

// TestMetricsAreDocumented keeps docs/metrics.md fresh: every metric of ours stands there as /metrics describes it.
func TestMetricsAreDocumented(t *testing.T) {
	const file = "../../docs/metrics.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), tableBegins)
	_, after, closed := strings.Cut(rest, tableEnds)
	if !found || !closed {
		t.Fatalf("%s lacks the lines that the table stands between", file)
	}
	synctest.Test(t, func(t *testing.T) {
		tr := busy()
		tr.SessionEnded("doubt")
		want := before + tableBegins + metricsTable(t, tr) + tableEnds + after
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(want, string(text)); diff != "" {
			t.Errorf("%s is not as the metrics are; run the test with -update (-want +got):\n%s", file, diff)
		}
	})
}

func metricsTable(t *testing.T, tr *Tracker) string {
	t.Helper()
	families, err := tr.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "relay_") {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
		}
	}
	return b.String() + "\n"
}

// labels are those of a family beside relay, which all have.
func labels(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		if l.GetName() != "relay" {
			names = append(names, "`"+l.GetName()+"`")
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
