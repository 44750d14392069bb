package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Floor is the latency of the bare Kafka transaction (add partitions, produce, end) until the same consumer sees it, at
// the lowest rate: no relay that is exactly once can be faster.
type Floor struct {
	Rate int `json:"rate"` // transactions/s
	// Event is a transaction with one event.
	Event Percentiles `json:"event"`
	// WithCheckpoint is one with the same records that the relay writes: an event, and a checkpoint in another topic.
	WithCheckpoint Percentiles `json:"event_with_checkpoint"`
}

// checkpointBytes is about what a checkpoint of Relay's has.
const checkpointBytes = 700

// floor measures one round, the two kinds in turn.
func (b *bench) floor(ctx context.Context, f *Floor) error {
	b.runs++
	topic, other := b.names.events(b.runs), b.names.kafka()+fmt.Sprintf("floor-%d", b.runs)
	if err := b.kafka.create(ctx, topic, partitions); err != nil {
		return err
	}
	if err := b.kafka.create(ctx, other, 1); err != nil {
		return err
	}
	f.Rate = latencyRates()[0]
	warm := b.warmUp(f.Rate)
	notes := newLedger(warm + 2*max(fewestEvents, b.scaled(f.Rate*latencySeconds/2)))
	k, err := b.kafka.consume(ctx, topic, notes.saw)
	if err != nil {
		return err
	}
	defer k.close()
	if err := b.transactEvenly(ctx, f.Rate, topic, other, notes); err != nil {
		return err
	}
	if err := notes.await(ctx, unseenPatience); err != nil {
		return err
	}
	f.Event.add(notes.latencies(func(n int) bool { return n >= warm && !withCheckpoint(n) }))
	f.WithCheckpoint.add(notes.latencies(func(n int) bool { return n >= warm && withCheckpoint(n) }))
	return errors.Join(k.close(), b.kafka.delete(topic), b.kafka.delete(other))
}

// withCheckpoint says of which kind transaction n is.
func withCheckpoint(n int) bool { return n%2 == 1 }

// transactEvenly makes one transaction after the other at a steady rate and notes when each began.
func (b *bench) transactEvenly(ctx context.Context, rate int, topic, other string, notes *ledger) error {
	p, err := b.kafka.newProducer(ctx, "relay-bench-"+b.names.suffix)
	if err != nil {
		return err
	}
	defer p.close()
	begin := time.Now()
	for n := range notes.shown {
		if err := sleepUntil(ctx, begin.Add(time.Duration(n)*time.Second/time.Duration(rate))); err != nil {
			return err
		}
		records := map[place][]byte{{topic, int32(n % partitions)}: []byte(event(n))}
		if withCheckpoint(n) {
			records[place{other, 0}] = make([]byte, checkpointBytes)
		}
		begun := time.Now()
		if err := p.transact(ctx, records); err != nil {
			return err
		}
		notes.wrote(n, begun, begun)
	}
	return nil
}

// event is the payload of event n, as the database makes it.
func event(n int) string {
	text := fmt.Sprintf(`{"n":"%0*d","fill":"`, numberLength, n)
	for len(text) < PayloadBytes-2 {
		text += "x"
	}
	return text + `"}`
}
