package publisher

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// load makes a batch as an outbox gives it: n events of 256 bytes with three headers.
func load(topic string, n int) *outbox.Batch {
	b := &outbox.Batch{}
	payload := make([]byte, 256)
	for i := range payload {
		payload[i] = byte('a' + i%26)
	}
	now := time.Now().UnixMilli()
	for i := range n {
		headers := []outbox.Header{
			{Key: []byte("id"), Value: fmt.Appendf(nil, "0197a5b2-6c1e-7d11-9f5e-%012d", i)},
			{Key: []byte("type"), Value: []byte("OrderPlaced")},
			{Key: []byte("relay-tx"), Value: []byte("123456")},
		}
		b.Append(&outbox.Record{
			Topic: topic, Key: fmt.Appendf(nil, "customer-%d", i%1000), Value: payload, Headers: headers,
			Partition: outbox.PartitionByKey, Timestamp: now, Position: outbox.Position{Timeline: 1, CommitLSN: 1 << 32, Index: uint32(i)},
		})
	}
	return b
}

// processorTime is what this process has used, which a busy machine stretches less than the clock.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTransaction is the bare Kafka transaction, one after another, on a real broker.
func BenchmarkTransaction(b *testing.B) {
	for _, compression := range Compressions() {
		for _, n := range []int{1, 100, 1000, 20000} {
			if compression != "none" && n != 20000 {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", compression, n), func(b *testing.B) {
				r := newRelay(b, func(c *Config) { c.Compression, c.Protocol = compression, nil })
				batch := load(r.topic("bench", 6), n)
				c, p, _ := r.session()
				plan, err := c.Plan(b.Context(), batch, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				begin := processorTime(b)
				seq := uint64(0)
				for b.Loop() {
					if plan, err = c.Plan(b.Context(), batch, plan); err != nil {
						b.Fatal(err)
					}
					seq++
					commit := Commit{Batch: batch, Plan: plan, FirstSeq: seq * uint64(n), Checkpoint: r.checkpoint(seq)}
					if _, err := p.Publish(b.Context(), commit); err != nil {
						b.Fatal(err)
					}
				}
				published := float64(n) * float64(b.N)
				b.ReportMetric(published/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64((processorTime(b)-begin).Nanoseconds())/published/1000, "cpu-us/event")
			})
		}
	}
}
