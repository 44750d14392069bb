package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// TestPause: a paused relay keeps slot and connection and publishes nothing, in later sessions too; then it goes on with
// everything that has come.
func TestPause(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	r.emit(t, 2)
	r.published(t, d, 2)

	if err := d.control.Pause(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	d.wantState(t, status.Paused, 0)
	d.wantReason(t, "paused by alice")
	before := d.status.View()
	r.emit(t, 5)
	eventually(t, "the paused relay receives", func() bool { return d.status.View().Received > before.Received })
	eventually(t, "the slot is seen to pin more WAL", func() bool { return d.status.View().Slot.Retained > before.Slot.Retained })
	eventually(t, "the server is told that the relay lives", func() bool { return r.toldAfter(t, before.Received) })

	r.exec(t, fmt.Sprintf(`SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s'`, r.cfg.Source.Slot))
	eventually(t, "a new session is paused as well", func() bool {
		v := d.status.View()
		return v.Sessions.Started > before.Sessions.Started && v.State == status.Paused && v.Lag.PendingEvents > 0
	})
	if after := d.status.View(); after.Published != before.Published || after.Checkpoint.Seq != before.Checkpoint.Seq {
		t.Errorf("a paused relay published: %+v, then %+v", before.Published, after.Published)
	}

	if err := d.control.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.published(t, d, 7)
	d.wantState(t, status.Streaming, 0)
}

// toldAfter tells whether our walsender has heard from us that everything up to lsn was received.
func (r *rig) toldAfter(t *testing.T, lsn outbox.LSN) bool {
	t.Helper()
	var told bool
	err := r.db.QueryRow(t.Context(), `SELECT coalesce(bool_or(r.write_lsn > $2::text::pg_lsn), false) FROM pg_stat_replication r
		JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.slot_name = $1`, r.cfg.Source.Slot, lsn.String()).Scan(&told)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// TestPausedRelayStops: a pause does not keep the process.
func TestPausedRelayStops(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	d.wantState(t, status.Streaming, 0)
	if err := d.control.Pause(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	r.emit(t, 1)
	eventually(t, "an event waits", func() bool { return d.status.View().Lag.PendingEvents > 0 })
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	again := r.run(t)
	r.published(t, again, 1)
}

// TestPauseThatCannotBegin: when the Kafka transaction that has begun does not end in time, nothing is paused.
func TestPauseThatCannotBegin(t *testing.T) {
	c := NewControl()
	cfg := Config{}.withDefaults()
	c.begin(&cfg)
	cfg.Status.SetState(status.Streaming, "", 0)
	if err := c.gate.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the client went away")
	ended := make(chan error, 1)
	go func() { ended <- c.Pause(ctx, "alice") }()
	eventually(t, "the pause is being made", func() bool { return cfg.Status.State() == status.Paused })
	cancel(gone)
	if err := <-ended; !errors.Is(err, gone) {
		t.Errorf("pause ends with %v", err)
	}
	if got := cfg.Status.State(); got != status.Streaming {
		t.Errorf("state %s", got)
	}
	c.gate.leave()
	if err := c.Pause(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

// TestReload: another configuration is obeyed from the next session on, which begins at the top.
func TestReload(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	r.emit(t, 1)
	r.published(t, d, 1)

	cfg := r.cfg
	cfg.Outbox.Routing.Topic = r.cfg.Kafka.Relay + ".other.${aggregate_type}"
	if err := d.control.Reload(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	r.emit(t, 1)
	r.published(t, d, 2)
	v := d.status.View()
	if v.Sessions.Ended["reload"] != 1 || v.Sessions.Started != 2 {
		t.Errorf("sessions %+v", v.Sessions)
	}
	if last := v.Topics[len(v.Topics)-1].Topic; last != r.cfg.Kafka.Relay+".other.order" {
		t.Errorf("topics %+v", v.Topics)
	}
}

// TestReloadMendsAHalt: a relay that halts obeys a configuration that knows what to do with the event.
func TestReloadMendsAHalt(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	r.insert(t, "no blanks please", "bad", "{}")
	d.wantState(t, status.Halted, fault.Unpublishable)
	cfg := r.cfg
	cfg.Failure = Failure{Park: true}
	if err := d.control.Reload(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is parked", func() bool { return d.status.View().Checkpoint.Parked == 1 })
	d.wantState(t, status.Streaming, 0)
}

// TestReloadRefuses what would be another relay, or could not work: everything stays as it was.
func TestReloadRefuses(t *testing.T) {
	c := NewControl()
	cfg := testConfig("postgres://nobody@127.0.0.1:1/none", []string{"127.0.0.1:1"}, "payments").withDefaults()
	c.begin(&cfg)
	for name, change := range map[string]func(*Config){
		"name":                   func(c *Config) { c.Kafka.Relay = "ledger" },
		"source.slot":            func(c *Config) { c.Source.Slot = "relay_ledger" },
		"kafka.checkpoint_topic": func(c *Config) { c.Kafka.CheckpointTopic = "elsewhere.payments" },
		"outbox and routing": func(c *Config) {
			c.Outbox.Routing.Rules = []outbox.Rule{{Match: map[string]string{"aggregate_type": "("}, Topic: "x"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			other := cfg
			change(&other)
			err := c.Reload(t.Context(), other)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.Config || !strings.Contains(f.Error(), name) {
				t.Errorf("reload ends with %v", err)
			}
			if c.next != nil {
				t.Error("the configuration was taken all the same")
			}
		})
	}
}
