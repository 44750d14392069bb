package bench

import (
	"context"
	"fmt"
	"time"
)

// Latency is that of events written at a steady rate, in milliseconds, from the return of COMMIT until a read_committed
// consumer has it. The consumer is in the process of the benchmark.
type Latency struct {
	Rate    int    `json:"rate"`            // events/s that were wanted
	Reached Sample `json:"reached_rate"`    // events/s that were committed
	Events  int    `json:"events"`          // in each round
	CPU     Sample `json:"relay_cpu_share"` // of one core
	// Early is the share of events that were seen before COMMIT returned and count as 0: near 0, or the machine was too
	// busy to be measured on.
	Early Sample `json:"seen_before_return_share"`
	Percentiles
}

// Percentiles of a latency, in milliseconds.
type Percentiles struct {
	P50 Sample `json:"p50_ms"`
	P95 Sample `json:"p95_ms"`
	P99 Sample `json:"p99_ms"`
	Max Sample `json:"max_ms"`
}

func (p *Percentiles) add(sorted []float64) {
	p.P50.add(percentile(sorted, 50))
	p.P95.add(percentile(sorted, 95))
	p.P99.add(percentile(sorted, 99))
	p.Max.add(percentile(sorted, 100))
}

const (
	// latencySeconds is the length of a round.
	latencySeconds = 10
	// fewest events make a percentile that means something.
	fewestEvents = 20
	// unseenPatience is how long an event may be missing before the measurement is given up.
	unseenPatience = 20 * time.Second
)

// warmUp is how many events come before those that count: the first ones find connections that are not open yet.
func (b *bench) warmUp(rate int) int { return max(fewestEvents, b.scaled(rate/2)) }

func latencyRates() []int { return []int{50, 1000, 4000} }

// planLatency measures all rates and the floor in every round: what the machine does else hits all of them.
func (b *bench) planLatency() []step {
	latencies := make([]*Latency, len(latencyRates()))
	for i, rate := range latencyRates() {
		latencies[i] = &Latency{Rate: rate, Events: max(fewestEvents, b.scaled(rate*latencySeconds))}
	}
	floor := new(Floor)
	var steps []step
	for round := 1; round <= b.Rounds; round++ {
		for _, l := range latencies {
			steps = append(steps, step{fmt.Sprintf("latency at %s/s, round %d of %d", count(l.Rate), round, b.Rounds), func(ctx context.Context) error {
				b.result.Latency, b.result.Floor = latencies, floor
				return b.live(ctx, func(r *relayRun) error { return b.latency(ctx, r, l) })
			}})
		}
		steps = append(steps, step{fmt.Sprintf("latency of the bare Kafka transaction, round %d of %d", round, b.Rounds), func(ctx context.Context) error {
			return b.floor(ctx, floor)
		}})
	}
	return steps
}

func (b *bench) latency(ctx context.Context, r *relayRun, l *Latency) error {
	warm := b.warmUp(l.Rate)
	notes := newLedger(warm + l.Events)
	k, err := b.kafka.consume(ctx, r.topic, notes.saw)
	if err != nil {
		return err
	}
	defer k.close()
	pid, begin := r.daemon.cmd.Process.Pid, time.Now()
	used := cpuOf(pid)
	if err := b.db.writeEvenly(ctx, l.Rate, warm+l.Events, notes); err != nil {
		return err
	}
	if err := notes.await(ctx, unseenPatience); err != nil {
		return err
	}
	l.CPU.add(ratio((cpuOf(pid) - used).Seconds(), time.Since(begin).Seconds()))
	counts := func(n int) bool { return n >= warm }
	l.Percentiles.add(notes.latencies(counts))
	l.Early.add(notes.early(counts))
	l.Reached.add(notes.rate())
	return k.close()
}
