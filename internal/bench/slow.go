package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// SlowKafka is a cluster that is reached over a network with a long round trip.
type SlowKafka struct {
	Brokers []string
	Close   func() error
}

// Slow is the drain of single-row transactions over a network with a long round trip to Kafka, beside the same one
// without.
type Slow struct {
	RoundTrip float64 `json:"round_trip_ms"` // as measured
	Events    int     `json:"events"`
	Direct    Reader  `json:"direct"`
	Slow      Reader  `json:"slow"`
	// Share of the rate without the delay, of the medians.
	Share float64 `json:"share_of_direct"`
	// Ceiling is (events a transaction) / (4 round trips): what four calls one after the other allow, in events/s.
	Ceiling float64 `json:"ceiling_events_per_second"`
}

func (b *bench) planSlow() []step {
	if b.SlowKafka == nil {
		return []step{{"slow network: left out", func(context.Context) error {
			b.result.Notes = append(b.result.Notes, "50 ms round trip to Kafka: not measured, it takes servers behind delaying proxies (make bench)")
			return nil
		}}}
	}
	shape := shape{b.scaled(200_000), 1}
	slow := &Slow{Events: shape.events()}
	var far *cluster
	steps := []step{
		{"slow network: starting servers", func(ctx context.Context) (err error) {
			far, err = b.openSlow(ctx, slow)
			return err
		}},
		{"slow network: writing the backlog", func(ctx context.Context) error {
			b.result.Slow = slow
			return b.prepare(ctx, shape)
		}},
	}
	for round := 1; round <= b.Rounds; round++ {
		measure := func(name string, k **cluster, r *Reader) step {
			return step{fmt.Sprintf("slow network: %s, round %d of %d", name, round, b.Rounds), func(ctx context.Context) error {
				m, err := b.drain(ctx, *k, shape.events(), partitions)
				r.add(m)
				return err
			}}
		}
		steps = append(steps, measure("direct", &b.kafka, &slow.Direct), measure("50 ms", &far, &slow.Slow))
	}
	return steps
}

func (b *bench) openSlow(ctx context.Context, result *Slow) (*cluster, error) {
	servers, err := b.SlowKafka(ctx)
	if err != nil {
		return nil, err
	}
	b.onRemove(func(context.Context) error { return servers.Close() })
	far, err := openCluster(servers.Brokers, b.Config.Kafka.ReplicationFactor, b.names)
	if err != nil {
		return nil, err
	}
	b.onRemove(func(context.Context) error { return errors.Join(far.remove(), far.close()) })
	result.RoundTrip, err = far.roundTrip()
	return far, err
}

// roundTrip is the shortest of a few answers, in milliseconds.
func (c *cluster) roundTrip() (float64, error) {
	conn, err := dialBroker(c.brokers[0])
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var trips []float64
	for range 5 {
		begun := time.Now()
		if _, err := conn.ApiVersions(&sarama.ApiVersionsRequest{}); err != nil {
			return 0, fmt.Errorf("measure the round trip to Kafka: %w", err)
		}
		trips = append(trips, milliseconds(time.Since(begun)))
	}
	return slices.Min(trips), nil
}

func (s *Slow) finish() {
	s.Share = ratio(s.Slow.EventsPerSecond.Median, s.Direct.EventsPerSecond.Median)
	s.Ceiling = ratio(s.Slow.EventsPerKafkaTransaction.Median, 4*s.RoundTrip/1000)
}

// want is the rate that is asked for: 70 % of the one without delay, or 90 % of the ceiling, whichever is lower.
func (s *Slow) want() float64 {
	return min(0.7*s.Direct.EventsPerSecond.Median, 0.9*s.Ceiling)
}
