package bench

import "fmt"

// Target is what a figure shall be.
type Target struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"`
	Want float64 `json:"want"`
	// AtMost tells whether less is better.
	AtMost bool    `json:"at_most"`
	Got    float64 `json:"got"`
	Met    bool    `json:"met"`
}

const (
	// debeziumBest is the best rate of Debezium's outbox router on two cores, events/s, measured apart from this
	// benchmark; see docs/benchmarks.md.
	debeziumBest = 28_000

	mebi = 1 << 20
)

// judge compares the figures with the targets.
func (r *Result) judge() []Target {
	targets := []Target{}
	add := func(name, unit string, atMost bool, want, got float64) {
		met := got >= want
		if atMost {
			met = got <= want
		}
		targets = append(targets, Target{Name: name, Unit: unit, Want: want, AtMost: atMost, Got: got, Met: met})
	}
	for _, d := range r.Drains {
		if d.PgRecvlogical != nil {
			want := 0.9
			if d.Rows == 1 {
				want = 1.2
			}
			add(fmt.Sprintf("drain %s against pg_recvlogical", d.Shape), "x", false, want, d.Ratio)
		}
		add(fmt.Sprintf("drain %s against Debezium's best", d.Shape), "x", false, 5, ratio(d.Relay.EventsPerSecond.Median, debeziumBest))
		add(fmt.Sprintf("drain %s, CPU an event", d.Shape), "us", true, 2, d.Relay.CPUMicros.Median)
		add(fmt.Sprintf("drain %s, allocations an event", d.Shape), "", true, 0.1, d.Relay.Allocations.Median)
		add(fmt.Sprintf("drain %s, peak RSS", d.Shape), "MiB", true, 80, d.Relay.PeakRSS.Max/mebi)
	}
	return targets
}
