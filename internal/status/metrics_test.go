package status

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/outbox-relay/relay/outbox"
)

// busy is a tracker that has seen everything once, at the beginning of a synctest bubble.
func busy() *Tracker {
	tr := New("payments", WithBuild("1.2.3", "relay-0"), WithMemoryBudget(48<<20))
	tr.SessionStarted()
	tr.CheckpointRead(Checkpoint{ResumeLSN: 900, Timeline: 1, Seq: 6, EventsTotal: 40}, time.Now().Add(-time.Hour))
	tr.Fenced(18)
	time.Sleep(200 * time.Millisecond)
	tr.Recovered(200 * time.Millisecond)
	tr.SetState(Streaming, "", 0)
	tr.Skipped(7)
	tr.Ignored("update")
	tr.Received(1000, time.Now().UnixMicro())
	tr.Pending(3, 300)
	time.Sleep(5 * time.Millisecond)
	tr.Committed(Commit{
		Events: 2, Bytes: 120, Transactions: 1, Duration: 3 * time.Millisecond,
		CommitTime: time.Now().Add(-5 * time.Millisecond).UnixMicro(),
		Checkpoint: Checkpoint{ResumeLSN: 1000, Timeline: 1, Seq: 7, EventsTotal: 42},
	})
	tr.Pending(-2, -200)
	tr.Written(func(yield func(string, int32, int)) { yield("payment.events", 3, 2) })
	tr.Parked("unknown_topic")
	oldest := time.Now().Add(-70 * time.Hour)
	next := oldest.Add(72 * time.Hour)
	tr.OutboxSeen([]Partition{
		{Name: "outbox.event_mon", Bytes: 8192, Oldest: &oldest, NextTruncate: &next},
		{Name: "outbox.event_tue", Bytes: 0, Kept: &Kept{Reason: "locked", Detail: "by somebody"}},
	})
	tr.Truncated(4096)
	tr.Acknowledged(1000)
	tr.SlotSeen(Slot{Flush: 1000, WALEnd: 1600, WALStatus: "reserved", SafeBytes: 5000})
	time.Sleep(2 * time.Second)
	return tr
}

func TestMetricsAreClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := busy()
		tr.SessionEnded("kafka_doubt")
		problems, err := testutil.GatherAndLint(tr.metrics)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	})
}

func TestMetricValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := busy()
		want := `
# HELP relay_acknowledged_lsn The flush position sent to Postgres.
# TYPE relay_acknowledged_lsn gauge
relay_acknowledged_lsn{relay="payments"} 1000
# HELP relay_build_info The version in use; always 1.
# TYPE relay_build_info gauge
relay_build_info{relay="payments",version="1.2.3"} 1
# HELP relay_checkpoint_lsn Everything that committed before this position is decided.
# TYPE relay_checkpoint_lsn gauge
relay_checkpoint_lsn{relay="payments"} 1000
# HELP relay_events_published_total Events committed to Kafka by this process.
# TYPE relay_events_published_total counter
relay_events_published_total{relay="payments"} 2
# HELP relay_ignored_total Messages of the stream that are never published.
# TYPE relay_ignored_total counter
relay_ignored_total{relay="payments",what="update"} 1
# HELP relay_lag_bytes WAL between the checkpoint and the end of the server's WAL.
# TYPE relay_lag_bytes gauge
relay_lag_bytes{relay="payments"} 600
# HELP relay_lag_seconds Time since the oldest pending event was committed in Postgres, at most; 0 when nothing waits.
# TYPE relay_lag_seconds gauge
relay_lag_seconds{relay="payments"} 2.005
# HELP relay_memory_budget_bytes Limit of memory_used_bytes.
# TYPE relay_memory_budget_bytes gauge
relay_memory_budget_bytes{relay="payments"} 5.0331648e+07
# HELP relay_memory_used_bytes Memory of pending events.
# TYPE relay_memory_used_bytes gauge
relay_memory_used_bytes{relay="payments"} 100
# HELP relay_outbox_bytes Size of the outbox tables on disk, with indexes and TOAST.
# TYPE relay_outbox_bytes gauge
relay_outbox_bytes{relay="payments"} 8192
# HELP relay_parked_total Events that this process has parked, by reason.
# TYPE relay_parked_total counter
relay_parked_total{reason="unknown_topic",relay="payments"} 1
# HELP relay_pending_events Events received and not yet committed to Kafka.
# TYPE relay_pending_events gauge
relay_pending_events{relay="payments"} 1
# HELP relay_producer_epoch Epoch with which the transactional id was taken.
# TYPE relay_producer_epoch gauge
relay_producer_epoch{relay="payments"} 18
# HELP relay_ready Whether /readyz answers 200.
# TYPE relay_ready gauge
relay_ready{relay="payments"} 1
# HELP relay_rows_skipped_total Rows received again that were decided already.
# TYPE relay_rows_skipped_total counter
relay_rows_skipped_total{relay="payments"} 7
# HELP relay_slot_retained_bytes WAL that the server keeps behind the slot's flush position.
# TYPE relay_slot_retained_bytes gauge
relay_slot_retained_bytes{relay="payments"} 600
# HELP relay_slot_safe_bytes WAL that can be written before the slot is lost; -1 for no limit.
# TYPE relay_slot_safe_bytes gauge
relay_slot_safe_bytes{relay="payments"} 5000
`
		var names []string
		for line := range strings.Lines(want) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				names = append(names, strings.Fields(name)[0])
			}
		}
		if err := testutil.GatherAndCompare(tr.metrics, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
		for name, n := range map[string]int{
			"relay_state": len(States()), "relay_slot_wal_status": 4, "relay_commit_duration_seconds": 1,
			"relay_end_to_end_latency_seconds": 1, "relay_batch_events": 1, "relay_recovery_duration_seconds": 1,
		} {
			if got, err := testutil.GatherAndCount(tr.metrics, name); err != nil || got != n {
				t.Errorf("%s has %d series, want %d (%v)", name, got, n, err)
			}
		}
	})
}

// TestLag: what waits is at least as young as what was published last.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New("payments")
		lag := func() time.Duration { return tr.snapshot().lag() }
		tr.Received(1, time.Now().UnixMicro())
		if got := lag(); got != 0 {
			t.Errorf("nothing waits: %v", got)
		}
		tr.Pending(2, 2)
		time.Sleep(3 * time.Second)
		if got := lag(); got != 3*time.Second {
			t.Errorf("waits since 3s: %v", got)
		}
		tr.Committed(Commit{Events: 1, CommitTime: time.Now().Add(-time.Second).UnixMicro()})
		tr.Pending(-1, -1)
		if got := lag(); got != time.Second {
			t.Errorf("published what was committed 1s ago: %v", got)
		}
		tr.Pending(-1, -1)
		if got := lag(); got != 0 {
			t.Errorf("nothing waits any more: %v", got)
		}
	})
}

// TestLagWhileHalted: the event before which the relay halted waits, also between two tries, until it streams again or
// another relay does.
func TestLagWhileHalted(t *testing.T) {
	for _, end := range []State{Streaming, Standby} {
		synctest.Test(t, func(t *testing.T) {
			tr := New("payments")
			tr.Committed(Commit{Events: 1, CommitTime: time.Now().UnixMicro()})
			tr.HaltedBefore(time.Now().Add(-time.Minute).UnixMicro())
			for _, s := range []State{Halted, Unreachable, Halted} {
				tr.SetState(s, "stopped before an event", 0)
				tr.SessionEnded("halted")
				if lag := tr.View().Lag; lag.Seconds != 60 || lag.PendingEvents != 1 {
					t.Errorf("%s: lag is %+v, want 60 s and one event", s, lag)
				}
			}
			tr.Sample()
			if h := tr.History(); h[len(h)-1].Lag != time.Minute {
				t.Errorf("the history has lag %v, want 1m", h[len(h)-1].Lag)
			}
			tr.SetState(end, "", 0)
			if lag := tr.View().Lag; lag.Seconds != 0 || lag.PendingEvents != 0 {
				t.Errorf("%s: lag is %+v, want none", end, lag)
			}
		})
	}
}

func TestLagBytesKnowNoNegative(t *testing.T) {
	for _, tt := range []struct {
		checkpoint, received outbox.LSN
		want                 uint64
	}{{0, 500, 0}, {100, 500, 400}, {500, 100, 0}} {
		tr := New("payments")
		tr.CheckpointRead(Checkpoint{ResumeLSN: tt.checkpoint}, time.Now())
		tr.Received(tt.received, 0)
		if got := tr.snapshot().lagBytes(); got != tt.want {
			t.Errorf("checkpoint %d, received %d: lag %d, want %d", tt.checkpoint, tt.received, got, tt.want)
		}
	}
}
