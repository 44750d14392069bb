package main

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
)

// TestDrop retires a relay on real servers, and begins anew under the same name.
func TestDrop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.relay(t, fault.ExitDone, "init")
	r.emit(t, 2)
	r.relay(t, fault.ExitDone, "run", "--once")

	var stdout, stderr string
	eventually(t, func() bool { // the broker shows a checkpoint a moment after it has committed it
		stdout, stderr = r.relay(t, fault.ExitDone, "drop")
		return strings.Contains(stdout, "published 2 events")
	})
	wants(t, stdout, "Plan: drop slot "+r.pg.Database, "Plan: delete topic relay.checkpoints."+r.name, "Plan: delete topic relay.parked."+r.name)
	wants(t, stderr, "Nothing has been changed.")

	conn := r.pg.Connect(t)
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock_shared(1, 1)`); err != nil { // somebody else's lock is no reason
		t.Fatal(err)
	}
	stdout, _ = r.relay(t, fault.ExitDone, "drop", "--yes")
	wants(t, stdout, "dropped slot", "deleted topic relay.checkpoints."+r.name, "deleted topic relay.parked."+r.name)
	stdout, _ = r.relay(t, fault.ExitDone, "drop", "--yes")
	wants(t, stdout, "there is nothing to drop")
	_, stderr = r.relay(t, fault.ExitRefused, "run", "--once")
	wants(t, stderr, "[RLY1001]")
	r.relay(t, fault.ExitDone, "init")
	r.emit(t, 1)
	r.relay(t, fault.ExitDone, "run", "--once")
	if c := r.checkpoint(t); c.Record.EventsTotal != 1 {
		t.Errorf("%d events were published, want 1", c.Record.EventsTotal)
	}
}

// TestDropLeavesWhatIsNotOurs: a slot of another plugin is somebody else's.
func TestDropLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pg.Exec(t, `SELECT pg_create_logical_replication_slot('`+r.pg.Database+`', 'test_decoding')`)
	stdout, _ := r.relay(t, fault.ExitDone, "drop", "--yes")
	wants(t, stdout, "stays: it is of plugin \"test_decoding\"", "there is nothing to drop")
	r.pg.Exec(t, `SELECT pg_drop_replication_slot('`+r.pg.Database+`')`)
}
