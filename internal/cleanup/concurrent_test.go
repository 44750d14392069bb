package cleanup

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/outbox"
)

// TestLateTransaction wrote long ago and has not committed: it is not waited for, and what it wrote is freed only when
// the checkpoint has passed its commit.
func TestLateTransaction(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	late := r.superuser(t)
	execOn(t, late, "BEGIN;"+insert(1, r.day))
	locks := 0
	r.cleaner.at = func(s stage) {
		if s == stageLocked {
			locks++
		}
	}
	r.round(t)
	r.wantStays(t, 3, keptWriter, "has written to it and not committed yet")
	if locks != 0 {
		t.Error("a lock was asked for while a transaction is open")
	}
	r.durable.Store(uint64(r.walEnd(t))) // a checkpoint before the commit
	execOn(t, late, "COMMIT")
	r.wantKept(t, 4, keptCheckpoint, "the checkpoint is at")
	r.durable.Store(farAhead)
	r.wantFreed(t)
}

// TestCheckpointBehind: without the checkpoint, as with Kafka down, no lock is asked for.
func TestCheckpointBehind(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	r.durable.Store(1)
	hurried := 0
	r.cfg.Progress.Hurry = func() { hurried++ }
	r.restart(t)
	r.cleaner.at = func(s stage) {
		if s == stageLocked {
			t.Error("locked")
		}
	}
	r.round(t)
	r.wantStays(t, 3, keptCheckpoint, "the checkpoint is at 0/1, before")
	if hurried == 0 {
		t.Error("nobody was asked for a checkpoint")
	}
}

// TestCommitBetweenScanAndLock: rows that come after the scan stay until the checkpoint has them too, wherever they lie.
func TestCommitBetweenScanAndLock(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	other := r.superuser(t)
	r.at(stageScanned, func() { // then nothing is covered that comes later
		r.durable.Store(uint64(r.walEnd(t)))
		execOn(t, other, insert(1, r.day))
	})
	r.round(t)
	r.wantStays(t, 4, keptCheckpoint, "under the lock")
}

// TestRowsAddedAfterTheScan are younger than it knows: in a new page, or in the last one.
func TestRowsAddedAfterTheScan(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 1000} {
		r := setup(t, 0)
		r.exec(t, insert(3, r.day))
		other := r.superuser(t)
		r.at(stageScanned, func() { execOn(t, other, insertAs(n, "now", r.weekday())) })
		r.round(t)
		r.wantStays(t, 3+n, keptChanged, "rows were added")
	}
}

// TestLocked: somebody else uses the partition, and is not disturbed.
func TestLocked(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.cfg.LockTimeout = 200 * time.Millisecond
	r.restart(t)
	r.exec(t, insert(3, r.day))
	other := r.superuser(t)
	for name, sql := range map[string]string{
		"a reader": "SELECT FROM outbox.event",
		"a writer": insert(1, r.day),
		"somebody": "LOCK TABLE " + r.partition() + " IN SHARE MODE",
	} {
		r.restart(t)
		r.at(stageScanned, func() { execOn(t, other, "BEGIN; SET application_name = '"+name+"';"+sql) })
		r.round(t)
		r.wantStays(t, 3, keptLocked, "it is locked by "+name+" (pid")
		execOn(t, other, "ROLLBACK")
	}
	r.wantFreed(t)
}

// TestReadsThenWrites: a transaction that has read the table writes to the weekday while we have it locked. That is no
// deadlock: it goes on as soon as we have given up.
func TestReadsThenWrites(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	other := r.superuser(t)
	written := make(chan error, 1)
	r.cleaner.at = func(s stage) {
		switch s {
		case stageScanned:
			execOn(t, other, "BEGIN; SELECT FROM outbox.event")
		case stageLocked:
			go func() {
				_, err := other.Exec(context.WithoutCancel(t.Context()), insert(1, r.day))
				written <- err
			}()
			r.waitsForLock(t)
		}
	}
	r.round(t)
	if err := <-written; err != nil {
		t.Errorf("the application got %v", err)
	}
	execOn(t, other, "COMMIT")
	r.wantStays(t, 4, keptLocked, "")
}

// TestFrozenRelay does not hold its lock: the server ends the transaction by itself, an application that writes goes on.
func TestFrozenRelay(t *testing.T) {
	t.Parallel()
	for _, frozen := range []stage{stageLocked, stageCovered} {
		r := setup(t, 0)
		r.exec(t, insert(3, r.day))
		other := r.superuser(t)
		r.at(frozen, func() { execOn(t, other, insert(1, r.day)) }) // returns although we are still here
		if err := r.cleaner.round(t.Context()); err == nil {
			t.Errorf("%s: the attempt went on after the server had ended it", frozen)
		}
		if n := r.count(t, r.partition()); n != 4 {
			t.Errorf("%s: %d rows are left, want 4", frozen, n)
		}
		r.cleaner.disconnect(t.Context())
		r.wantFreed(t)
	}
}

// TestKilledRelay: the kernel closes its connection, at any stage.
func TestKilledRelay(t *testing.T) {
	t.Parallel()
	for _, killed := range []stage{stageScans, stageScanned, stageLocked, stageCovered} {
		r := setup(t, 0)
		r.exec(t, insert(3, r.day))
		r.at(killed, func() { _ = r.cleaner.conn.PgConn().Conn().Close() })
		if err := r.cleaner.round(t.Context()); err == nil {
			t.Errorf("%s: no error", killed)
		}
		if n := r.count(t, r.partition()); n != 3 {
			t.Errorf("%s: %d rows are left, want 3", killed, n)
		}
		r.exec(t, insert(1, r.day)) // nothing is locked
		r.wantFreed(t)
	}
}

// TestOtherSlots: a weekday stays while the reader of another slot has not confirmed its rows, whoever that is.
func TestOtherSlots(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	slot := r.pg.Database + "_ledger"
	r.exec(t, insert(3, r.day)+"; CHECKPOINT") // so that slots find a place to begin at once
	r.exec(t, "SELECT pg_create_logical_replication_slot('"+slot+"', 'pgoutput')")
	r.exec(t, insert(1, r.day))
	r.wantKept(t, 4, keptSlot, "slot "+slot+" has confirmed")
	r.restart(t)
	r.at(stageScanned, func() { // its reader catches up; the commit of a row flushes the WAL
		r.exec(t, insert(1, time.Now()))
		r.exec(t, "SELECT pg_replication_slot_advance('"+slot+"', pg_current_wal_flush_lsn())")
	})
	r.round(t)
	if n := r.count(t, r.partition()); n != 0 {
		t.Errorf("%d rows are left: %+v", n, r.view())
	}
	r.exec(t, insert(1, r.day))
	r.wantKept(t, 1, keptSlot, "pg_drop_replication_slot")
	r.exec(t, "SELECT pg_drop_replication_slot('"+slot+"')")
	r.wantFreed(t)
}

// TestOwnSlotDoesNotCount: it follows the checkpoint.
func TestOwnSlotDoesNotCount(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.cfg.Slot = r.pg.Database + "_own"
	r.exec(t, "SELECT pg_create_logical_replication_slot('"+r.cfg.Slot+"', 'pgoutput')")
	r.exec(t, insert(3, r.day))
	r.wantFreed(t)
}

// TestSeveralRelays clean the same table at the same time.
func TestSeveralRelays(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(100, r.day)+";"+insert(100, r.day.AddDate(0, 0, -1)))
	r.cfg.Retry = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var relays sync.WaitGroup
	for range 3 {
		c := New(r.cfg)
		relays.Go(func() { c.Run(ctx) })
	}
	eventually(t, "the table is empty", func() bool { return r.count(t, "outbox.event") == 0 })
	cancel()
	relays.Wait()
	if log := r.log.String(); strings.Contains(log, "reason=error") || strings.Contains(log, "did not get through") {
		t.Errorf("they are in each other's way:\n%s", log)
	}
}

// TestInsertingSessions write as the application does while old weekdays come and go.
func TestInsertingSessions(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	var sessions sync.WaitGroup
	written := make(chan int, 3)
	for range cap(written) {
		app := r.session(t, r.app)
		sessions.Go(func() {
			n := 0
			for ctx.Err() == nil {
				if _, err := app.Exec(context.WithoutCancel(ctx), `SELECT outbox.emit('order', 'o', 'Placed', '{}')`); err != nil {
					t.Errorf("an application was disturbed: %v", err)
					break
				}
				n++
			}
			written <- n
		})
	}
	for range 10 {
		r.exec(t, insert(100, r.day))
		r.wantFreed(t)
	}
	cancel()
	sessions.Wait()
	want := 0
	for range cap(written) {
		want += <-written
	}
	if n := r.count(t, "outbox.event"); n != want || want == 0 {
		t.Errorf("%d rows are left, want %d", n, want)
	}
}

// TestEndOfSession in the middle leaves nothing behind.
func TestEndOfSession(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	ctx, cancel := context.WithCancel(t.Context())
	r.at(stageLocked, cancel)
	r.cleaner.Run(ctx)
	r.exec(t, insert(1, r.day))
	r.wantFreed(t)
}

// TestLostServer: the next look is another try.
func TestLostServer(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(3, r.day))
	connect, tries := r.cfg.Connect, 0
	r.cfg.Connect = func(ctx context.Context) (*pgx.Conn, error) {
		if tries++; tries < 4 {
			return nil, context.DeadlineExceeded
		}
		return connect(ctx)
	}
	r.restart(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); r.cleaner.Run(ctx) }()
	eventually(t, "the weekday is freed", func() bool { return r.count(t, r.partition()) == 0 })
	cancel()
	<-ended
	if n := strings.Count(r.log.String(), "did not get through"); n != 1 {
		t.Errorf("said %d times:\n%s", n, r.log)
	}
}

// walEnd is the end of the WAL.
func (r *rig) walEnd(t *testing.T) outbox.LSN {
	t.Helper()
	end, err := insertLSN(t.Context(), r.superuser(t))
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// waitsForLock waits until somebody waits for the partition.
func (r *rig) waitsForLock(t *testing.T) {
	t.Helper()
	eventually(t, "somebody waits for the lock", func() bool {
		return r.count(t, "pg_locks WHERE NOT granted AND relation = '"+r.partition()+"'::regclass") > 0
	})
}

// TestPreparedTransaction belongs to no process, and has written all the same.
func TestPreparedTransaction(t *testing.T) {
	t.Parallel()
	server := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_prepared_transactions": "2"}})
	db, err := pgx.Connect(t.Context(), server.URL(devstack.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	execOn(t, db, "CREATE TABLE event_mon (id int)")
	execOn(t, db, "BEGIN; INSERT INTO event_mon VALUES (1); PREPARE TRANSACTION 'late'")
	var p partition
	if err := db.QueryRow(t.Context(), "SELECT 'event_mon'::regclass::oid").Scan(&p.oid); err != nil {
		t.Fatal(err)
	}
	if who, err := writers(t.Context(), db, p); who != "a prepared transaction" {
		t.Errorf("written by %q: %v", who, err)
	}
	execOn(t, db, "COMMIT PREPARED 'late'")
	if who, err := writers(t.Context(), db, p); who != "" || err != nil {
		t.Errorf("written by %q: %v", who, err)
	}
}
