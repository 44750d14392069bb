package cleanup

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m)) }

// patience is how long a test waits for a condition before it gives up.
const patience = 30 * time.Second

// farAhead is a checkpoint behind everything.
const farAhead = 1 << 62

// rig is a database with our outbox table, and a cleaner whose checkpoint the test moves. Its rows are five days old.
type rig struct {
	pg         *devstacktest.PG
	db         *pgx.Conn // superuser
	app, relay string    // roles
	cfg        Config
	cleaner    *Cleaner
	log        *recorder
	durable    atomic.Uint64 // the checkpoint
	day        time.Time     // noon of a day that is due
}

func (r *rig) weekday() weekday  { return weekdayOf(r.day) }
func (r *rig) partition() string { return "outbox.event_" + r.weekday().String() }

func setup(t *testing.T, major int) *rig {
	t.Helper()
	pg := devstacktest.Postgres(t, major)
	r := &rig{pg: pg, db: pg.Connect(t), app: pg.Role(t, "LOGIN"), relay: pg.Role(t, "LOGIN REPLICATION"), log: &recorder{}}
	sql, err := migrations.Print(migrations.Options{AppRole: r.app, RelayRole: r.relay})
	if err != nil {
		t.Fatal(err)
	}
	r.exec(t, sql)
	r.day = time.Now().UTC().AddDate(0, 0, -5).Truncate(day).Add(day / 2)
	r.durable.Store(farAhead)
	r.cfg = Config{
		Enabled: true, Name: "outbox.event", Slot: "none", Keep: 72 * time.Hour, LockTimeout: time.Second, Since: r.day.AddDate(-1, 0, 0),
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, pg.URL(r.relay)) },
		Progress: Progress{
			Durable: func() outbox.LSN { return outbox.LSN(r.durable.Load()) }, Hurry: func() {},
		},
		Every: 10 * time.Millisecond, Patience: 200 * time.Millisecond, Logger: slog.New(r.log), Status: status.New("payments"),
	}
	if err := r.db.QueryRow(t.Context(), "SELECT 'outbox.event'::regclass::oid").Scan(&r.cfg.Table); err != nil {
		t.Fatal(err)
	}
	r.restart(t)
	return r
}

// restart gives a fresh cleaner, as the next session does.
func (r *rig) restart(t *testing.T) {
	t.Helper()
	if r.cleaner != nil {
		r.cleaner.disconnect(t.Context())
	}
	c := New(r.cfg)
	r.cleaner = c
	t.Cleanup(func() { c.disconnect(context.WithoutCancel(t.Context())) })
}

func (r *rig) exec(t *testing.T, sql string) {
	t.Helper()
	execOn(t, r.db, sql)
}

func execOn(t *testing.T, db *pgx.Conn, sql string) {
	t.Helper()
	if _, err := db.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// insert is SQL that writes n rows with a created_at of their own.
func insert(n int, created time.Time) string {
	return insertAs(n, created.UTC().Format(time.RFC3339Nano), weekdayOf(created))
}

func insertAs(n int, created string, w weekday) string {
	return fmt.Sprintf(`INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload, created_at, weekday)
		SELECT 'order', 'o-' || i, 'Placed', '{"a": 1}', '%s', %d FROM generate_series(1, %d) i`, created, w, n)
}

func (r *rig) count(t *testing.T, table string) int {
	t.Helper()
	var n int
	if err := r.db.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// round makes one look, which must succeed.
func (r *rig) round(t *testing.T) {
	t.Helper()
	if err := r.cleaner.round(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, r.log)
	}
}

// wantKept makes one look as a new session would, and checks that the rows are still there and why.
func (r *rig) wantKept(t *testing.T, rows int, want reason, detail string) {
	t.Helper()
	r.restart(t)
	r.round(t)
	r.wantStays(t, rows, want, detail)
}

func (r *rig) wantStays(t *testing.T, rows int, want reason, detail string) {
	t.Helper()
	if n := r.count(t, r.partition()); n != rows {
		t.Errorf("%d rows are left, want %d", n, rows)
	}
	v := r.view()
	if v.Kept == nil || v.Kept.Reason != string(want) || !strings.Contains(v.Kept.Detail, detail) {
		t.Errorf("kept %+v, want %s with %q", v.Kept, want, detail)
	}
	if !strings.Contains(r.log.String(), "outbox weekday kept") {
		t.Errorf("the log does not say that the weekday is kept:\n%s", r.log)
	}
}

// wantFreed makes one look as a new session would, and checks that the weekday is empty.
func (r *rig) wantFreed(t *testing.T) {
	t.Helper()
	r.restart(t)
	r.round(t)
	if n := r.count(t, r.partition()); n != 0 {
		t.Errorf("%d rows are left: %+v", n, r.view())
	}
}

// view is what the status says of the weekday.
func (r *rig) view() status.Partition {
	partitions := r.cfg.Status.View().Outbox.Partitions
	return partitions[slices.IndexFunc(partitions, func(p status.Partition) bool { return p.Name == r.partition() })]
}

// at lets a test do something when the cleaner comes to a stage, each time it does.
func (r *rig) at(s stage, do func()) {
	r.cleaner.at = func(now stage) {
		if now == s {
			do()
		}
	}
}

func (r *rig) session(t *testing.T, role string) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), r.pg.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.WithoutCancel(t.Context())) })
	return db
}

func (r *rig) superuser(t *testing.T) *pgx.Conn {
	t.Helper()
	return r.session(t, devstack.Superuser)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// recorder keeps a log as text.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

// Enabled, WithAttrs and WithGroup make it a handler of everything.
func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

// Handle keeps the line.
func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	line := record.Level.String() + " " + record.Message
	record.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return nil
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(slices.Clone(r.lines), "\n")
}
