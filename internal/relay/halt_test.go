package relay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// insert commits one event of a type in a transaction of its own.
func (r *rig) insert(t *testing.T, aggregateType, id, payload string) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox VALUES ('%s', '%s', 'k', 'made', '%s')`, id, aggregateType, payload))
}

// TestBadEventHalts: one row that cannot be published stops the relay before its transaction. What stands before is
// published, nothing behind it is, and the reason names the event.
func TestBadEventHalts(t *testing.T) {
	for _, tc := range []struct {
		name  string
		setup func(*testing.T, *rig)
		bad   func(*testing.T, *rig) // commits the bad event in a transaction with a good one before it
		says  []string
		mend  func(*testing.T, *rig) // nil: the row itself is bad
	}{
		{
			name: "topic name that Kafka refuses",
			bad:  func(t *testing.T, r *rig) { r.pair(t, "no blanks please", "bad-1", "{}") },
			says: []string{"bad-1", "no blanks please"},
		},
		{
			name: "the checkpoint topic",
			setup: func(_ *testing.T, r *rig) {
				r.cfg.Outbox.Routing.Topic = "${aggregate_type}"
				r.cfg.Outbox.ReservedTopics = []string{"checkpoints", "parked"}
			},
			bad:  func(t *testing.T, r *rig) { r.pair(t, r.cfg.Kafka.CheckpointTopic, "bad-2", `{"resume_lsn":"FF/0"}`) },
			says: []string{"bad-2", "checkpoints"},
		},
		{
			name:  "a topic of Kafka's own",
			setup: func(_ *testing.T, r *rig) { r.cfg.Outbox.Routing.Topic = "${aggregate_type}" },
			bad:   func(t *testing.T, r *rig) { r.pair(t, "__consumer_offsets", "bad-3", "{}") },
			says:  []string{"bad-3", "__consumer_offsets"},
		},
		{
			name:  "topic that does not exist",
			setup: func(_ *testing.T, r *rig) { r.cfg.Kafka.CreateTopics = nil },
			bad:   func(t *testing.T, r *rig) { r.pair(t, "missing", "bad-4", "{}") },
			says:  []string{"bad-4", "does not exist"},
			mend:  func(t *testing.T, r *rig) { r.createTopic(t, r.cfg.Kafka.Relay+".missing", nil) },
		},
		{
			name: "larger than the topic takes",
			setup: func(t *testing.T, r *rig) {
				limit := "2000"
				r.createTopic(t, r.cfg.Kafka.Relay+".small", map[string]*string{"max.message.bytes": &limit})
			},
			bad:  func(t *testing.T, r *rig) { r.pair(t, "small", "bad-5", strings.Repeat("x", 3000)) },
			says: []string{"bad-5", "small"},
			mend: func(t *testing.T, r *rig) { r.alterTopic(t, r.cfg.Kafka.Relay+".small", "max.message.bytes", "100000") },
		},
		{
			name: "larger than a batch",
			bad:  func(t *testing.T, r *rig) { r.pair(t, "order", "bad-6", strings.Repeat("x", 2<<20)) },
			says: []string{"batch.max_bytes"},
		},
		{
			name:  "updated row",
			setup: func(t *testing.T, r *rig) { r.haltOnUpdate(t) },
			bad:   func(t *testing.T, r *rig) { r.exec(t, `UPDATE outbox SET payload = 'changed'`) },
			says:  []string{"updated"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := sharedRig(t)
			r.createTopic(t, r.cfg.Kafka.Relay+".order", nil)
			r.createTopic(t, "order-"+r.cfg.Kafka.Relay, nil) // for templates that are the bare type
			good := "order"
			if tc.setup != nil {
				tc.setup(t, r)
			}
			if !strings.HasPrefix(r.cfg.Outbox.Routing.Topic, r.cfg.Kafka.Relay) {
				good = "order-" + r.cfg.Kafka.Relay
			}
			r.good = good
			r.init(t)
			r.insert(t, good, "good-1", "{}")
			tc.bad(t, r)
			r.insert(t, good, "good-3", "{}")
			d := r.run(t)
			d.wantState(t, status.Halted, fault.Unpublishable)
			r.published(t, d, 1)
			for _, says := range tc.says {
				if !d.log.contains(says) {
					t.Errorf("the log does not say %q", says)
				}
				if ready := d.status.Ready(); !strings.Contains(fmt.Sprint(ready.Reason, ready.About), says) || ready.Hint == "" {
					t.Errorf("the readiness %+v does not say %q and what to do", ready, says)
				}
			}
			d.triesAgain(t)
			if lag := d.status.View().Lag; lag.Seconds <= 0 || lag.PendingEvents < 1 {
				t.Errorf("while an event waits the lag is %+v", lag)
			}
			if n := d.log.count("kafka named an event"); n > 1 {
				t.Errorf("the log says %d times what Kafka does not take", n)
			}
			if tc.mend == nil {
				return
			}
			tc.mend(t, r)
			d.wantState(t, status.Streaming, 0)
			r.published(t, d, 4)
			eventually(t, "nothing waits", func() bool { return d.status.View().Lag.PendingEvents == 0 })
		})
	}
}

// triesAgain waits until a halted relay has had several sessions more.
func (d *daemonRun) triesAgain(t *testing.T) {
	t.Helper()
	begun := d.status.View().Sessions.Started
	eventually(t, "a halted relay tries again", func() bool { return d.status.View().Sessions.Started >= begun+4 })
}

// TestRelayThatHaltsEndsWithItsCode: a relay that is to end when a person must decide does.
func TestRelayThatHaltsEndsWithItsCode(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	r.insert(t, "order", "good", "{}")
	r.insert(t, "no blanks please", "bad", "{}")
	err := Run(t.Context(), r.cfg, RunOptions{ExitWhenRefused: true})
	if fault.Exit(err) != fault.ExitRefused || !strings.Contains(err.Error(), "no blanks please") {
		t.Errorf("ended with %v, want exit code %d and the topic's name", err, fault.ExitRefused)
	}
	if n := r.inspect(t).Checkpoint.EventsTotal; n != 1 {
		t.Errorf("%d events published before the bad one, want 1", n)
	}
}

// TestOnceStopsWhenCaughtUp: everything committed before the start is published, then the relay ends.
func TestOnceStopsWhenCaughtUp(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	for range 3 {
		r.emit(t, 700)
		if err := Run(t.Context(), r.cfg, RunOptions{Once: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.inspect(t).Checkpoint.EventsTotal; n != 2100 {
		t.Errorf("%d events published, want 2100", n)
	}
	if err := Run(t.Context(), r.cfg, RunOptions{Once: true}); err != nil {
		t.Errorf("with nothing to do: %v", err)
	}
}

// pair commits a good event and then a bad one in one transaction.
func (r *rig) pair(t *testing.T, aggregateType, id, payload string) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox VALUES ('good-2', '%s', 'k', 'made', '{}'), ('%s', '%s', 'k', 'made', '%s')`, r.good, id, aggregateType, payload))
}

func (r *rig) haltOnUpdate(t *testing.T) {
	t.Helper()
	r.cfg.OnUpdate = OnUpdateHalt
	r.exec(t, `ALTER TABLE outbox REPLICA IDENTITY FULL`, `ALTER PUBLICATION outbox SET (publish = 'insert, update')`)
}
