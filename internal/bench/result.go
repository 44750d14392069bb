package bench

import (
	"context"
	"fmt"
	"time"
)

// Result is what a run has found.
type Result struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	Settings   Settings  `json:"settings"`
	Machine    Machine   `json:"machine"`
	Drains     []*Drain  `json:"drains"`
	// The parts that were left out are null.
	Idle        *Idle        `json:"idle"`
	Latency     []*Latency   `json:"latency"`
	Floor       *Floor       `json:"bare_kafka_transaction"`
	Recovery    *Recovery    `json:"recovery"`
	Slow        *Slow        `json:"slow_network"`
	Curve       *Curve       `json:"curve"`
	Application *Application `json:"application"`
	Targets     []Target     `json:"targets"`
	// Notes say what was not measured, and why.
	Notes []string `json:"notes"`
}

// Settings are those of the run.
type Settings struct {
	Scale         float64 `json:"scale"`
	Rounds        int     `json:"rounds"`
	PayloadBytes  int     `json:"payload_bytes"`
	Partitions    int     `json:"partitions"`
	Compression   string  `json:"compression"`
	MaxEvents     int     `json:"batch_max_events"`
	MaxBytes      int64   `json:"batch_max_bytes"`
	Memory        int64   `json:"batch_memory"`
	Postgres      int     `json:"postgres"` // major version
	Brokers       int     `json:"brokers"`
	PgRecvlogical string  `json:"pg_recvlogical"` // version; empty: not installed
}

func (b *bench) newResult(context.Context) *Result {
	c := b.Config
	r := &Result{
		APIVersion: "relay/v1", Kind: "Benchmark", Notes: []string{}, Drains: []*Drain{}, Latency: []*Latency{}, Started: time.Now().UTC(), Machine: thisMachine(),
		Settings: Settings{
			Scale: b.Scale, Rounds: b.Rounds, PayloadBytes: PayloadBytes, Partitions: partitions, Compression: c.Kafka.Compression,
			MaxEvents: c.Batch.MaxEvents, MaxBytes: int64(c.Batch.MaxBytes), Memory: int64(c.Batch.Memory),
			Postgres: b.db.major, Brokers: len(b.kafka.client.Brokers()),
		},
	}
	if b.recv != nil {
		r.Settings.PgRecvlogical = b.recv.version
	} else {
		r.Notes = append(r.Notes, "pg_recvlogical: not measured, none of version 15 or newer is installed")
	}
	return r
}

// tooEarly is the share of events seen before their COMMIT returned from which on latencies mean nothing.
const tooEarly = 0.02

// finish computes what follows from the figures.
func (r *Result) finish() {
	r.Seconds = time.Since(r.Started).Seconds()
	for _, d := range r.Drains {
		if d.PgRecvlogical != nil {
			d.Ratio = ratio(d.Relay.EventsPerSecond.Median, d.PgRecvlogical.EventsPerSecond.Median)
		}
	}
	for _, l := range r.Latency {
		if l.Early.Median > tooEarly {
			r.Notes = append(r.Notes, fmt.Sprintf("latency at %s/s: %s of the events were seen before their COMMIT had returned: the machine is too busy to believe this",
				count(l.Rate), percent(l.Early.Median)))
		}
	}
	if r.Slow != nil {
		r.Slow.finish()
	}
	r.Targets = r.judge()
}
