package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// ringRig is a relay of our own table, whose clean-up looks all the time. It believes to have begun a year ago, so that
// rows that are dated back count as its own.
func ringRig(t *testing.T, url string, brokers []string, prefix string) *rig {
	t.Helper()
	r := &rig{cfg: testConfig(url, brokers, prefix)}
	r.connect(t, url)
	sql, err := migrations.Print(migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.db.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	r.cfg.Table, r.cfg.Outbox.Format = "outbox.event", outbox.FormatRelay
	r.cfg.Cleanup = Cleanup{Enabled: true, Keep: 72 * time.Hour, LockTimeout: 2 * time.Second, Every: 20 * time.Millisecond, Patience: 500 * time.Millisecond}
	return r
}

func sharedRing(t *testing.T) *rig {
	t.Helper()
	kafka, pg := devstacktest.Kafka(t), devstacktest.Postgres(t, 0)
	return ringRig(t, pg.URL(devstack.Superuser), kafka.Brokers, kafka.Prefix)
}

// beganLongAgo dates the beginning of the relay back.
func (r *rig) beganLongAgo(t *testing.T) {
	t.Helper()
	r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Generation = time.Now().AddDate(-1, 0, 0).UnixMilli() })
}

// emitOld commits n events that were created five days ago.
func (r *rig) emitOld(t *testing.T, n int) {
	t.Helper()
	created := time.Now().UTC().AddDate(0, 0, -5)
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload, created_at, weekday)
		SELECT 'order', 'k' || i, 'made', '{}', '%[1]s', extract(isodow FROM timestamp '%[1]s') FROM generate_series(1, %[2]d) i`,
		created.Format("2006-01-02 15:04:05"), n))
}

// rows counts what is in the table.
func (r *rig) rows(t *testing.T) int {
	t.Helper()
	var n int
	if err := r.db.QueryRow(t.Context(), `SELECT count(*) FROM outbox.event`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCleanupWhileIdle: the checkpoint comes when it is waited for, although it would stand still for an hour, while the
// database writes WAL all the time and the relay has nothing to publish. What is freed is in Kafka.
func TestCleanupWhileIdle(t *testing.T) {
	t.Parallel()
	r := sharedRing(t)
	r.cfg.IdleEvery = time.Hour
	r.init(t)
	r.beganLongAgo(t)
	d := r.run(t)
	r.emitOld(t, 100)
	r.published(t, d, 100)
	eventually(t, "the weekday is freed", func() bool {
		r.exec(t, `CREATE TABLE busy AS SELECT 1; DROP TABLE busy`)
		return r.rows(t) == 0
	})
	if got := len(r.consume(t, r.cfg.Kafka.Relay+".order")); got != 100 {
		t.Errorf("%d events are in Kafka, want 100", got)
	}
	if d.log.count("outbox weekday truncated") == 0 {
		t.Error("the log does not say so")
	}
}

// TestCleanupKeepsWhatWasThereBefore: rows from before `relay init` are in the table alone.
func TestCleanupKeepsWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	r := sharedRing(t)
	r.emitOld(t, 3)
	r.init(t)
	d := r.run(t)
	eventually(t, "the weekday is kept", func() bool {
		return d.kept("rows_before_start")
	})
	if n := r.rows(t); n != 3 {
		t.Errorf("%d rows are left, want 3", n)
	}
}

// TestCleanupKeepsWhatWasThereBeforeATableWasAdded: a relay of WAL messages alone, for a year, is given a table as well.
func TestCleanupKeepsWhatWasThereBeforeATableWasAdded(t *testing.T) {
	t.Parallel()
	r := sharedRing(t)
	r.cfg.Table, r.cfg.Outbox.WALMessages, r.cfg.Source.Messages = "", "outbox", true
	r.init(t)
	r.beganLongAgo(t)
	first := r.run(t)
	r.emitOld(t, 3)
	r.idleMoves(t, first)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	r.cfg.Table = "outbox.event"
	for range 2 { // once as the table is added, once as it is known
		d := r.run(t)
		eventually(t, "the weekday is kept", func() bool {
			return d.kept("rows_before_start")
		})
		r.idleMoves(t, d)
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.rows(t); n != 3 {
		t.Errorf("%d rows are left, want 3", n)
	}
}

// kept tells whether a weekday was kept for a reason.
func (d *daemonRun) kept(reason string) bool {
	return slices.ContainsFunc(d.status.View().Outbox.Partitions, func(p status.Partition) bool { return p.Kept != nil && p.Kept.Reason == reason })
}

// idleMoves waits for a checkpoint.
func (r *rig) idleMoves(t *testing.T, d *daemonRun) {
	t.Helper()
	end := r.walEnd(t)
	eventually(t, "the checkpoint moves", func() bool {
		r.exec(t, `CREATE TABLE busy AS SELECT 1; DROP TABLE busy`)
		return d.status.View().Checkpoint.ResumeLSN > end
	})
}

// TestCleanupWithoutKafka frees nothing and stops nobody who writes to that weekday; with Kafka back it goes on.
func TestCleanupWithoutKafka(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{})
	pg := devstacktest.Postgres(t, 0)
	r := ringRig(t, pg.URL(devstack.Superuser), kafka.Brokers(), pg.Database)
	r.init(t)
	r.beganLongAgo(t)
	d := r.run(t)
	r.emitOld(t, 1)
	eventually(t, "the weekday is freed", func() bool { return r.rows(t) == 0 })
	if err := kafka.Pause(0); err != nil { // as good as gone, and the session does not know yet
		t.Fatal(err)
	}
	for range 20 {
		r.emitOld(t, 1)
		r.exec(t, `SELECT pg_sleep(0.02)`)
	}
	if n := r.rows(t); n != 20 {
		t.Errorf("%d rows are left, want 20", n)
	}
	if err := kafka.Resume(0); err != nil {
		t.Fatal(err)
	}
	r.published(t, d, 21)
	eventually(t, "the weekday is freed", func() bool { return r.rows(t) == 0 })
}

// TestCleanupOfSeveralRelays: two relays of one table, one of which stands still: nothing is freed until it has the rows.
func TestCleanupOfSeveralRelays(t *testing.T) {
	t.Parallel()
	kafka, pg := devstacktest.Kafka(t), devstacktest.Postgres(t, 0)
	r := ringRig(t, pg.URL(devstack.Superuser), kafka.Brokers, kafka.Prefix)
	other := &rig{cfg: testConfig(r.cfg.Source.ConnString, kafka.Brokers, kafka.Prefix+"b"), db: r.db}
	other.cfg.Table, other.cfg.Outbox.Format, other.cfg.Cleanup = r.cfg.Table, r.cfg.Outbox.Format, r.cfg.Cleanup
	for _, relay := range []*rig{r, other} {
		relay.init(t)
		relay.beganLongAgo(t)
	}
	d := r.run(t)
	r.emitOld(t, 5)
	r.published(t, d, 5)
	eventually(t, "the weekday is kept for the other relay", func() bool {
		r.exec(t, `CREATE TABLE busy AS SELECT 1; DROP TABLE busy`)
		return d.kept("other_slot_behind")
	})
	if n := r.rows(t); n != 5 {
		t.Errorf("%d rows are left, want 5", n)
	}
	late := other.run(t)
	other.published(t, late, 5)
	eventually(t, "the weekday is freed", func() bool {
		r.exec(t, `CREATE TABLE busy AS SELECT 1; DROP TABLE busy`)
		return r.rows(t) == 0
	})
	for _, relay := range []*rig{r, other} {
		if got := len(relay.consume(t, relay.cfg.Kafka.Relay+".order")); got != 5 {
			t.Errorf("%d events are in Kafka, want 5", got)
		}
	}
}

// TestTruncateLosesNothing: rows that are gone before they were read are published all the same, also where the
// publication sends the TRUNCATE too.
func TestTruncateLosesNothing(t *testing.T) {
	t.Parallel()
	r := sharedRing(t)
	r.exec(t, `ALTER PUBLICATION outbox SET (publish = 'insert, truncate')`)
	r.init(t)
	r.beganLongAgo(t)
	r.emitOld(t, 5)
	r.exec(t, `TRUNCATE outbox.event`)
	d := r.run(t)
	r.published(t, d, 5)
	r.emitOld(t, 5)
	r.published(t, d, 10)
	eventually(t, "the weekday is freed", func() bool { return r.rows(t) == 0 })
	r.emitOld(t, 1)
	r.published(t, d, 11)
	if got := len(r.consume(t, r.cfg.Kafka.Relay+".order")); got != 11 {
		t.Errorf("%d events are in Kafka, want 11", got)
	}
}
