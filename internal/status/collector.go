package status

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outbox-relay/relay/outbox"
)

// newCollector lists the metrics. A name or label that was published once never changes its meaning.
func newCollector(t *Tracker) *collector {
	c := &collector{tracker: t}
	c.describeState()
	c.describePublishing()
	c.describePositions()
	c.describeSlot()
	c.describeOutbox()
	c.describeCleanup()
	c.describeSessions()
	return c
}

func (c *collector) describeState() {
	c.vector("build_info", "The version in use; always 1.", prometheus.GaugeValue, "version", func(s *snapshot, emit func(float64, ...string)) {
		emit(1, s.version)
	})
	c.vector("state", "1 for the state that the relay is in.", prometheus.GaugeValue, "state", func(s *snapshot, emit func(float64, ...string)) {
		for _, state := range States() {
			emit(boolean(state == s.state.state), string(state))
		}
	})
	c.gauge("ready", "Whether /readyz answers 200.", func(s *snapshot) float64 { return boolean(s.readiness().Ready) })
	c.gauge("memory_used_bytes", "Memory of pending events.", func(s *snapshot) float64 { return float64(s.pendingBytes) })
	c.gauge("memory_budget_bytes", "Limit of memory_used_bytes.", func(s *snapshot) float64 { return float64(s.memoryBudget) })
}

func (c *collector) describePublishing() {
	c.counter("events_published_total", "Events committed to Kafka by this process.", func(s *snapshot) float64 { return float64(s.totals.events) })
	c.counter("published_bytes_total", "Keys, values and headers of those events.", func(s *snapshot) float64 { return float64(s.totals.bytes) })
	c.counter("kafka_transactions_total", "Kafka transactions committed by this process, those with a checkpoint alone included.", func(s *snapshot) float64 { return float64(s.totals.kafka) })
	c.counter("postgres_transactions_total", "Postgres transactions with events published by this process.", func(s *snapshot) float64 { return float64(s.totals.postgres) })
	c.counter("rows_skipped_total", "Rows received again that were decided already.", func(s *snapshot) float64 { return float64(s.skipped) })
	c.vector("ignored_total", "Messages of the stream that are never published.", prometheus.CounterValue, "what", func(s *snapshot, emit func(float64, ...string)) {
		for what, n := range s.ignored {
			emit(float64(n), what)
		}
	})
	c.vector("parked_total", "Events that this process has parked, by reason.", prometheus.CounterValue, "reason", func(s *snapshot, emit func(float64, ...string)) {
		for reason, n := range s.parked {
			emit(float64(n), reason)
		}
	})
	c.gauge("parked_events", "Events in the parked topic, held ones included.", func(s *snapshot) float64 { return float64(s.checkpoint.Parked) })
	c.gauge("held_keys", "Keys whose events wait behind a parked one.", func(s *snapshot) float64 { return float64(s.checkpoint.HeldKeys) })
	c.gauge("pending_events", "Events received and not yet committed to Kafka.", func(s *snapshot) float64 { return float64(s.pendingEvents) })
}

func (c *collector) describePositions() {
	c.gauge("lag_seconds", "Time since the oldest pending event was committed in Postgres, at most; 0 when nothing waits.", func(s *snapshot) float64 { return s.lag().Seconds() })
	c.gauge("lag_bytes", "WAL between the checkpoint and the end of the server's WAL.", func(s *snapshot) float64 { return float64(s.lagBytes()) })
	c.lsn("checkpoint_lsn", "Everything that committed before this position is decided.", func(s *snapshot) outbox.LSN { return s.checkpoint.ResumeLSN })
	c.gauge("checkpoint_timestamp_seconds", "When the checkpoint was written.", func(s *snapshot) float64 { return seconds(s.checkpointAt) })
	c.gauge("checkpoint_seq", "Number of the checkpoint since init or adopt.", func(s *snapshot) float64 { return float64(s.checkpoint.Seq) })
	c.lsn("received_lsn", "How far the stream has come.", func(s *snapshot) outbox.LSN { return s.received })
	c.lsn("acknowledged_lsn", "The flush position sent to Postgres.", func(s *snapshot) outbox.LSN { return s.acknowledged })
	c.gauge("last_progress_timestamp_seconds", "When the checkpoint moved last in this process; 0 for not yet.", func(s *snapshot) float64 { return seconds(s.progress) })
}

func (c *collector) describeSlot() {
	c.lsn("slot_flush_lsn", "The slot's confirmed flush position, as the server told it last.", func(s *snapshot) outbox.LSN { return s.slot.Flush })
	c.gauge("slot_retained_bytes", "WAL that the server keeps behind the slot's flush position.", func(s *snapshot) float64 { return float64(s.slot.retained()) })
	c.gauge("slot_safe_bytes", "WAL that can be written before the slot is lost; -1 for no limit.", func(s *snapshot) float64 { return float64(s.slot.SafeBytes) })
	c.vector("slot_wal_status", "1 for the wal_status of the slot.", prometheus.GaugeValue, "status", func(s *snapshot, emit func(float64, ...string)) {
		for _, status := range []string{"reserved", "extended", "unreserved", "lost"} {
			emit(boolean(status == s.slot.WALStatus), status)
		}
	})
}

func (c *collector) describeOutbox() {
	c.optional("outbox_bytes", "Size of the outbox tables on disk, with indexes and TOAST.", func(s *snapshot) (float64, bool) {
		return float64(s.outbox.bytes()), s.outbox.Seen != nil
	})
	c.optional("outbox_oldest_timestamp_seconds", "When the oldest row of the outbox tables was written; left out when there is none.", func(s *snapshot) (float64, bool) {
		oldest := s.outbox.oldest()
		return seconds(oldest), !oldest.IsZero()
	})
}

func (c *collector) describeSessions() {
	c.counter("sessions_started_total", "Sessions that began.", func(s *snapshot) float64 { return float64(s.sessions.started) })
	c.vector("sessions_ended_total", "Sessions that ended, by reason.", prometheus.CounterValue, "reason", func(s *snapshot, emit func(float64, ...string)) {
		for reason, n := range s.sessions.ends {
			emit(float64(n), reason)
		}
	})
	c.gauge("producer_epoch", "Epoch with which the transactional id was taken.", func(s *snapshot) float64 { return float64(s.epoch) })
}

// retained is the WAL behind the slot's flush position; the server may keep more, back to the oldest open transaction.
func (s Slot) retained() uint64 {
	if s.Flush == 0 || s.WALEnd < s.Flush {
		return 0
	}
	return uint64(s.WALEnd - s.Flush)
}

// limit is how much WAL the server may keep before the slot is lost; 0 for no limit.
func (s Slot) limit() uint64 {
	if s.SafeBytes < 0 {
		return 0
	}
	return s.retained() + uint64(s.SafeBytes)
}

func (c *collector) vector(name, help string, kind prometheus.ValueType, label string, values func(*snapshot, func(float64, ...string))) {
	var labels []string
	if label != "" {
		labels = []string{label}
	}
	desc := prometheus.NewDesc("relay_"+name, help, labels, prometheus.Labels{"relay": c.tracker.relay})
	c.metrics = append(c.metrics, metric{desc: desc, kind: kind, values: values})
}

func (c *collector) gauge(name, help string, value func(*snapshot) float64) {
	c.vector(name, help, prometheus.GaugeValue, "", func(s *snapshot, emit func(float64, ...string)) { emit(value(s)) })
}

// optional is a gauge that is left out while it is not known.
func (c *collector) optional(name, help string, value func(*snapshot) (float64, bool)) {
	c.vector(name, help, prometheus.GaugeValue, "", func(s *snapshot, emit func(float64, ...string)) {
		if v, ok := value(s); ok {
			emit(v)
		}
	})
}

func (c *collector) counter(name, help string, value func(*snapshot) float64) {
	c.vector(name, help, prometheus.CounterValue, "", func(s *snapshot, emit func(float64, ...string)) { emit(value(s)) })
}

// lsn is a gauge of a WAL position in bytes. A float holds it exactly up to 8 PiB of WAL.
func (c *collector) lsn(name, help string, value func(*snapshot) outbox.LSN) {
	c.gauge(name, help, func(s *snapshot) float64 { return float64(value(s)) })
}
