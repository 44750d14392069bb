package bench

import (
	"context"
	"fmt"
)

// Curve is the cost of an event over the size of what it stands in. It shall be flat.
type Curve struct {
	Backlog    []*Point `json:"backlog"`    // single-row transactions, 6 partitions
	Partitions []*Point `json:"partitions"` // single-row transactions
}

// Point is one size.
type Point struct {
	Events     int    `json:"events"`
	Partitions int    `json:"partitions"`
	CPUMicros  Sample `json:"cpu_us_per_event"`
	Rate       Sample `json:"events_per_second"`
	PeakRSS    Sample `json:"peak_rss_bytes"`
}

func (p *Point) add(m report) {
	p.CPUMicros.add(m.cpuMicros())
	p.Rate.add(m.eventsPerSecond())
	p.PeakRSS.add(float64(m.PeakRSS))
}

// partitionsBacklog is the backlog that goes to different numbers of partitions.
const partitionsBacklog = 200_000

func curveBacklogs() []int   { return []int{50_000, partitionsBacklog, 800_000} }
func curvePartitions() []int { return []int{1, partitions, 50, 200} }

func (b *bench) planCurve() []step {
	c := new(Curve)
	var steps []step
	for _, events := range curveBacklogs() {
		s := shape{b.scaled(events), 1}
		steps = append(steps, step{fmt.Sprintf("curve: writing a backlog of %s", count(s.events())), func(ctx context.Context) error {
			b.result.Curve = c
			return b.prepare(ctx, s)
		}})
		p := &Point{Events: s.events(), Partitions: partitions}
		c.Backlog = append(c.Backlog, p)
		steps = append(steps, b.planPoint(p)...)
		if events != partitionsBacklog {
			continue
		}
		for _, n := range curvePartitions() {
			p := &Point{Events: s.events(), Partitions: n}
			c.Partitions = append(c.Partitions, p)
			steps = append(steps, b.planPoint(p)...)
		}
	}
	return steps
}

func (b *bench) planPoint(p *Point) []step {
	var steps []step
	for round := 1; round <= b.Rounds; round++ {
		label := fmt.Sprintf("curve: %s events to %d partitions, round %d of %d", count(p.Events), p.Partitions, round, b.Rounds)
		steps = append(steps, step{label, func(ctx context.Context) error {
			m, err := b.drain(ctx, b.kafka, p.Events, p.Partitions)
			p.add(m)
			return err
		}})
	}
	return steps
}

// growth is the cost at the largest size as a share of that at the smallest; 0 when there is nothing to compare.
func growth(points []*Point) float64 {
	if len(points) < 2 {
		return 0
	}
	return ratio(points[len(points)-1].CPUMicros.Median, points[0].CPUMicros.Median)
}
