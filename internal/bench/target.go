package bench

import "fmt"

// Target is what a figure shall be.
type Target struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Want   float64 `json:"want"`
	AtMost bool    `json:"at_most"` // less is better
	Got    float64 `json:"got"`
	Met    bool    `json:"met"`
}

const (
	// debeziumBest is the best rate of Debezium's outbox router on two cores, events/s, measured apart from this
	// benchmark; see docs/benchmarks.md.
	debeziumBest = 28_000
	// flat is how much the cost of an event may seem to grow over a curve that is flat: what rounds differ by.
	flat = 1.1

	mega = 1_000_000
)

// judge compares the figures with the targets. Ratios are between figures of the same run.
func (r *Result) judge() []Target {
	j := judgement{targets: []Target{}}
	for _, d := range r.Drains {
		j.drain(d)
	}
	if r.Idle != nil {
		j.atMost("idle, RSS", "MB", 30, r.Idle.RSS.Max/mega)
	}
	j.latency(r.Latency, r.Floor)
	if r.Recovery != nil {
		j.atMost("kill -9 under load, next event visible", "s", 0.5, r.Recovery.Seconds.Median)
	}
	if r.Slow != nil {
		j.atLeast(fmt.Sprintf("drain with %.0f ms round trip to Kafka", r.Slow.RoundTrip), "events/s", r.Slow.want(), r.Slow.Slow.EventsPerSecond.Median)
	}
	j.curve(r)
	return j.targets
}

type judgement struct{ targets []Target }

func (j *judgement) atLeast(name, unit string, want, got float64) {
	j.targets = append(j.targets, Target{Name: name, Unit: unit, Want: want, Got: got, Met: got >= want})
}

func (j *judgement) atMost(name, unit string, want, got float64) {
	j.targets = append(j.targets, Target{Name: name, Unit: unit, Want: want, AtMost: true, Got: got, Met: got <= want})
}

func (j *judgement) drain(d *Drain) {
	name := "drain " + d.Shape
	if d.PgRecvlogical != nil {
		want := 0.9
		if d.Rows == 1 {
			want = 1.2
		}
		j.atLeast(name+", of pg_recvlogical", "x", want, d.Ratio)
	}
	j.atLeast(name+", of Debezium's best", "x", 5, ratio(d.Relay.EventsPerSecond.Median, debeziumBest))
	j.atMost(name+", CPU an event", "us", 2, d.Relay.CPUMicros.Median)
	j.atMost(name+", allocations an event", "", 0.1, d.Relay.Allocations.Median)
	j.atMost(name+", peak RSS", "MB", 80, d.Relay.PeakRSS.Max/mega)
}

func (j *judgement) latency(latencies []*Latency, floor *Floor) {
	for _, l := range latencies {
		switch l.Rate {
		case 50:
			j.atMost("p50 at 50/s, of the bare Kafka transaction", "x", 1.5, ratio(l.P50.Median, floor.WithCheckpoint.P50.Median))
		case 1000:
			j.atMost("p99 at 1,000/s", "ms", 20, l.P99.Median)
		}
	}
}

// curve wants the cost of an event not to grow.
func (j *judgement) curve(r *Result) {
	if r.Curve != nil {
		j.atMost("cost an event, largest backlog to smallest", "x", flat, growth(r.Curve.Backlog))
		j.atMost("cost an event, most partitions to one", "x", flat, growth(r.Curve.Partitions))
	}
	var small, large *Drain
	for _, d := range r.Drains {
		switch {
		case d.Transactions == 1:
			large = d
		case d.Rows > 1:
			small = d
		}
	}
	if small != nil && large != nil {
		j.atMost("cost an event, one transaction of all to 100 rows each", "x", flat, ratio(large.Relay.CPUMicros.Median, small.Relay.CPUMicros.Median))
	}
}
