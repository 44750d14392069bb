package replication_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/replication"
)

func TestSlot(t *testing.T) {
	onVersions(t, []int{13, 14, 15, 16, 17, 18}, func(t *testing.T, f *fixture) {
		conn := f.connect(t)
		if slot, err := conn.Slot(t.Context(), f.config.Slot); slot != nil || err != nil {
			t.Fatalf("before it exists: %+v, %v", slot, err)
		}
		lsn, err := conn.CreateSlot(t.Context(), f.config.Slot, f.pg.Major >= 17)
		if err != nil {
			t.Fatal(err)
		}
		slot, err := conn.Slot(t.Context(), f.config.Slot)
		if err != nil {
			t.Fatal(err)
		}
		want := &replication.Slot{
			Name: f.config.Slot, Plugin: replication.Plugin, Database: f.pg.Database, ConfirmedFlush: lsn, ConfirmedFlushValid: true,
			WALStatus: "reserved", Failover: f.pg.Major >= 17,
		}
		if diff := cmp.Diff(want, slot, cmpopts.IgnoreFields(*slot, "RestartLSN")); diff != "" {
			t.Error(diff)
		}
		if slot.RestartLSN == 0 || slot.RestartLSN > lsn {
			t.Errorf("restart_lsn %s, confirmed_flush %s", slot.RestartLSN, lsn)
		}
		if _, err := conn.CreateSlot(t.Context(), f.config.Slot, false); err == nil {
			t.Error("it was created again")
		}
		stream, err := conn.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if slot, err = f.connect(t).Slot(t.Context(), f.config.Slot); err != nil || !slot.Active || slot.ActivePID != stream.PID() {
			t.Errorf("walsender %d, slot %+v, %v", stream.PID(), slot, err)
		}
	})
}

func TestSlotsOfOtherKinds(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		name := f.pg.Database
		f.exec(t, "SELECT pg_create_physical_replication_slot('"+name+"_physical')")
		t.Cleanup(func() { // it belongs to no database, so nobody else cleans it up
			if _, err := f.admin.Exec(context.WithoutCancel(t.Context()), "SELECT pg_drop_replication_slot('"+name+"_physical')"); err != nil {
				t.Error(err)
			}
		})
		if f.pg.Major >= 14 {
			f.exec(t, "SELECT pg_create_logical_replication_slot('"+name+"', 'pgoutput', false, true)")
		}
		conn := f.connect(t)
		physical, err := conn.Slot(t.Context(), name+"_physical")
		if err != nil || physical.Plugin != "" || physical.Database != "" || physical.ConfirmedFlushValid {
			t.Errorf("a physical slot: %+v, %v", physical, err)
		}
		if f.pg.Major >= 14 {
			if twoPhase, err := conn.Slot(t.Context(), name); err != nil || !twoPhase.TwoPhase {
				t.Errorf("a slot with two-phase commit: %+v, %v", twoPhase, err)
			}
		}
	})
}

// TestSlotThatIsLost lets the server remove WAL that the slot needs.
func TestSlotThatIsLost(t *testing.T) {
	for _, major := range []int{13, 17} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			_, f := own(t, devstack.PostgresOptions{Major: major, Settings: map[string]string{"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "32MB"}})
			f.createSlot(t)
			conn := f.connect(t)
			limited, err := conn.Slot(t.Context(), f.config.Slot)
			if err != nil || !limited.SafeWALSizeValid || limited.SafeWALSize <= 0 {
				t.Errorf("before: %+v, %v", limited, err)
			}
			for range 4 {
				f.exec(t, "INSERT INTO outbox.event VALUES (1, 'x')", "SELECT pg_switch_wal()")
			}
			f.exec(t, "CHECKPOINT")
			lost, err := conn.Slot(t.Context(), f.config.Slot)
			if err != nil || lost.WALStatus != "lost" || lost.SafeWALSizeValid || lost.RestartLSN != 0 || (lost.InvalidationReason == "wal_removed") != (major >= 17) {
				t.Errorf("after: %+v, %v", lost, err)
			}
			if _, err := conn.Start(t.Context()); replication.Classify(err) != replication.SlotUnusable {
				t.Errorf("class %v: %v", replication.Classify(err), err)
			}
		})
	}
}
