package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/outbox-relay/relay/outbox"
)

// partitions of the event topic unless they are what is varied.
const partitions = 6

// Drain is what it costs to work off one backlog.
type Drain struct {
	Shape        string `json:"shape"`
	Transactions int    `json:"transactions"`
	Rows         int    `json:"rows"` // in each transaction
	Events       int    `json:"events"`
	Relay        Reader `json:"relay"`
	// Receive is Relay's reader alone: everything is decoded and nothing published.
	Receive Reader `json:"receive_only"`
	// PgRecvlogical is null when it is not installed.
	PgRecvlogical *Reader `json:"pg_recvlogical"`
	// Ratio of Relay's rate to that of pg_recvlogical, of the medians; 0 when it was not measured.
	Ratio float64 `json:"ratio_to_pg_recvlogical"`
}

// Reader is what one reader of the backlog needed, between its first event and its last.
type Reader struct {
	EventsPerSecond           Sample `json:"events_per_second"`
	CPUMicros                 Sample `json:"cpu_us_per_event"`
	Allocations               Sample `json:"allocations_per_event"`        // heap objects; not for pg_recvlogical
	PeakRSS                   Sample `json:"peak_rss_bytes"`               // of the whole process
	EventsPerKafkaTransaction Sample `json:"events_per_kafka_transaction"` // of the relay only
}

func (r *Reader) add(m report) {
	r.EventsPerSecond.add(m.eventsPerSecond())
	r.CPUMicros.add(m.cpuMicros())
	r.PeakRSS.add(float64(m.PeakRSS))
	r.Allocations.add(m.mallocs())
	if m.KafkaTransactions > 0 {
		r.EventsPerKafkaTransaction.add(ratio(float64(m.Events), float64(m.KafkaTransactions)))
	}
}

// shapes are the three of the benchmark at its scale.
func (b *bench) shapes() []shape {
	return []shape{{b.scaled(200_000), 1}, {1, b.scaled(1_000_000)}, {b.scaled(2_000), 100}}
}

// planDrains writes each backlog once and has it read again and again, from copies of a slot that stays where it
// begins. Rounds alternate between the readers, so that what else the machine does hits all of them.
func (b *bench) planDrains() []step {
	var steps []step
	for _, s := range b.shapes() {
		d := &Drain{Shape: s.name(), Transactions: s.transactions, Rows: s.rows, Events: s.events()}
		label := func(round int, reader string) string {
			return fmt.Sprintf("drain %s, round %d of %d: %s", s.name(), round, b.Rounds, reader)
		}
		steps = append(steps, step{fmt.Sprintf("drain %s: writing the backlog", s.name()), func(ctx context.Context) error {
			b.result.Drains = append(b.result.Drains, d)
			if b.recv != nil {
				d.PgRecvlogical = new(Reader)
			}
			return b.prepare(ctx, s)
		}})
		for round := 1; round <= b.Rounds; round++ {
			steps = append(steps, step{label(round, "relay"), func(ctx context.Context) error {
				m, err := b.drain(ctx, b.kafka, s.events(), partitions)
				d.Relay.add(m)
				return err
			}})
			if b.recv != nil {
				steps = append(steps, step{label(round, "pg_recvlogical"), func(ctx context.Context) error {
					m, err := b.copyOut(ctx, s.events())
					d.PgRecvlogical.add(m)
					return err
				}})
			}
			steps = append(steps, step{label(round, "receive only"), func(ctx context.Context) error {
				m, err := b.receiveOnly(ctx, s.events())
				d.Receive.add(m)
				return err
			}})
		}
	}
	return steps
}

// prepare writes a backlog behind the base slot.
func (b *bench) prepare(ctx context.Context, s shape) error {
	for _, do := range []func(context.Context) error{
		b.db.truncate, b.db.markBase, func(ctx context.Context) error { return b.db.write(ctx, s) },
	} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// drain has the relay publish the backlog.
func (b *bench) drain(ctx context.Context, k *cluster, events, partitions int) (m report, err error) {
	r, err := b.newRun(ctx, k, partitions, b.db.copyBase)
	if err != nil {
		return m, err
	}
	path := filepath.Join(b.dir, "report.json")
	args := []string{"bench", "relay", "--config", r.config, "--report", path}
	if b.Profiles != "" {
		args = append(args, "--profile", filepath.Join(b.Profiles, fmt.Sprintf("drain-%d-to-%d-partitions-%d", events, partitions, b.runs)))
	}
	if err := b.command(ctx, args...).run(ctx); err != nil {
		return m, err
	}
	if err := b.end(ctx, r); err != nil {
		return m, err
	}
	return checked(path, events)
}

// checked reads a report, which must be about all events: a figure for another number would be a wrong one.
func checked(path string, events int) (report, error) {
	m, err := readReport(path)
	if err == nil && m.Events != uint64(events) {
		err = fmt.Errorf("%d events were read, and the backlog has %d", m.Events, events)
	}
	return m, err
}

// receiveOnly has our own reader receive the backlog and throw it away.
func (b *bench) receiveOnly(ctx context.Context, events int) (report, error) {
	config, path := filepath.Join(b.dir, "receive.yaml"), filepath.Join(b.dir, "report.json")
	text := relayConfig(b.Config, b.names, b.kafka.brokers, b.names.events(0))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return report{}, fmt.Errorf("write configuration: %w", err)
	}
	err := b.withCopy(ctx, func(until outbox.LSN) error {
		return b.command(ctx, "bench", "receive", "--config", config, "--until", until.String(), "--report", path).run(ctx)
	})
	if err != nil {
		return report{}, err
	}
	return checked(path, events)
}

// copyOut has pg_recvlogical copy the backlog to a file.
func (b *bench) copyOut(ctx context.Context, events int) (m report, err error) {
	err = b.withCopy(ctx, func(until outbox.LSN) error {
		m, err = b.recv.copyFrom(ctx, b.Config.Source, b.names.slot(), b.names.postgres(), until, events)
		return err
	})
	return m, err
}

// withCopy makes a slot for a reader that only reads until an LSN, and drops it when it has ended.
func (b *bench) withCopy(ctx context.Context, read func(until outbox.LSN) error) error {
	if _, err := b.db.copyBase(ctx); err != nil {
		return err
	}
	until, err := b.db.walEnd(ctx)
	if err != nil {
		return err
	}
	if err := read(until); err != nil {
		return err
	}
	return b.db.dropSlot(ctx, b.names.slot())
}
