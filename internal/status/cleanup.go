package status

import "github.com/prometheus/client_golang/prometheus"

// Kept says why a partition that is old enough was not emptied.
type Kept struct {
	Reason string `json:"reason"` // one of a few fixed words: it becomes a label
	Detail string `json:"detail"`
}

// truncations count since the process started.
type truncations struct {
	partitions, bytes uint64
}

// Truncated counts a partition that was emptied, with the bytes that it had.
func (t *Tracker) Truncated(bytes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.truncations.partitions++
	t.truncations.bytes += bytes
}

// NextTruncate is the partition that is emptied next; nil: none.
func (v *OutboxView) NextTruncate() *Partition {
	var next *Partition
	for i, p := range v.Partitions {
		if p.NextTruncate != nil && (next == nil || p.NextTruncate.Before(*next.NextTruncate)) {
			next = &v.Partitions[i]
		}
	}
	return next
}

func (c *collector) describeCleanup() {
	c.optional("outbox_next_truncate_timestamp_seconds", "When the next partition of the outbox table is truncated; left out when none waits for it.", func(s *snapshot) (float64, bool) {
		next := s.outbox.NextTruncate()
		if next == nil {
			return 0, false
		}
		return seconds(*next.NextTruncate), true
	})
	c.counter("outbox_truncated_total", "Partitions of the outbox table truncated by this process.", func(s *snapshot) float64 { return float64(s.truncations.partitions) })
	c.counter("outbox_truncated_bytes_total", "Size that those partitions had.", func(s *snapshot) float64 { return float64(s.truncations.bytes) })
	c.vector("outbox_kept_partitions", "Partitions that are old enough and were not truncated, by reason.", prometheus.GaugeValue, "reason", func(s *snapshot, emit func(float64, ...string)) {
		kept := map[string]int{}
		for _, p := range s.outbox.Partitions {
			if p.Kept != nil {
				kept[p.Kept.Reason]++
			}
		}
		for reason, n := range kept {
			emit(float64(n), reason)
		}
	})
}
