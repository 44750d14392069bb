package inspect

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m)) }

// tableOn makes the table of our migrations and looks it up as the catalogue has it.
func tableOn(t *testing.T, major int) (*pgx.Conn, *outboxTable) {
	t.Helper()
	conn := devstacktest.Postgres(t, major).Connect(t)
	sql, err := migrations.Print(migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	table := &outboxTable{name: `"outbox"."event"`, asked: "outbox.event", ring: true}
	rows, err := conn.Query(t.Context(), `SELECT attname, atttypid, format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = 'outbox.event'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`)
	if err != nil {
		t.Fatal(err)
	}
	var name, typ string
	var oid uint32
	if _, err := pgx.ForEachRow(rows, []any{&name, &oid, &typ}, func() error {
		table.columns = append(table.columns, outbox.Column{Name: name, TypeOID: oid, TypeMod: -1})
		table.types = append(table.types, typ)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return conn, table
}

// TestTableOnEveryRelease asks the outbox table on real servers of the oldest and the newest release.
func TestTableOnEveryRelease(t *testing.T) {
	for _, major := range []int{13, devstack.DefaultPostgres, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			conn, table := tableOn(t, major)
			if s, err := table.size(t.Context(), conn); err != nil || s.Oldest != nil {
				t.Errorf("size of an empty table: %+v, %v", s, err)
			}
			var id string
			var before time.Time
			if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&before); err != nil {
				t.Fatal(err)
			}
			emit := `SELECT outbox.emit('payment', 'pay_1', 'Booked', '{"amount": 12.30}', topic := $1)`
			for _, topic := range []*string{nil, ptr("by-hand")} {
				if err := conn.QueryRow(t.Context(), emit, topic).Scan(&id); err != nil {
					t.Fatal(err)
				}
			}
			w, err := table.waitingSince(t.Context(), conn, before)
			if err != nil || w.Events != 2 || w.Oldest <= 0 {
				t.Errorf("waiting: %+v, %v", w, err)
			}
			if w, err := table.waitingSince(t.Context(), conn, before.Add(time.Hour)); err != nil || w != (Waiting{}) {
				t.Errorf("waiting since an hour ahead: %+v, %v", w, err)
			}
			s, err := table.size(t.Context(), conn)
			if err != nil || s.Bytes == 0 || s.Oldest == nil || s.Oldest.Before(before.Add(-time.Second)) {
				t.Errorf("size: %+v, %v", s, err)
			}
			findRow(t, conn, table, id)
			if _, err := conn.Exec(t.Context(), "CREATE TABLE plain AS SELECT 1 AS n"); err != nil {
				t.Fatal(err)
			}
			plain := &outboxTable{name: "plain", asked: "plain"}
			if s, err := plain.size(t.Context(), conn); err != nil || s.Bytes == 0 {
				t.Errorf("size of a table without partitions: %+v, %v", s, err)
			}
		})
	}
}

// findRow looks for the row of an event that names its topic itself.
func findRow(t *testing.T, conn *pgx.Conn, table *outboxTable, id string) {
	t.Helper()
	r, err := table.find(t.Context(), conn, "id", id)
	if err != nil || r == nil {
		t.Fatalf("row of %s: %+v, %v", id, r, err)
	}
	mapper, err := outbox.NewMapper(outbox.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if r.route(mapper, table); r.Topic != "by-hand" || r.Bad != nil {
		t.Errorf("it goes to topic %q, %v", r.Topic, r.Bad)
	}
	var xid uint32
	var end string
	if err := conn.QueryRow(t.Context(), "SELECT xmin::text::int8, pg_current_wal_insert_lsn()::text FROM outbox.event WHERE id = $1", id).Scan(&xid, &end); err != nil {
		t.Fatal(err)
	}
	if lsn, err := outbox.ParseLSN(end); err != nil || r.XID != xid || r.End == 0 || r.End > lsn || r.Same != 1 || !strings.HasPrefix(r.Partition, "outbox.event_") || r.CreatedAt == nil {
		t.Errorf("row %+v, want transaction %d and an end up to %s", r, xid, end)
	}
	if none, err := table.find(t.Context(), conn, "id", "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01"); err != nil || none != nil {
		t.Errorf("an event that is not there: %+v, %v", none, err)
	}
	if _, err := table.find(t.Context(), conn, "id", "pay_8812"); fault.Exit(err) != fault.ExitUsage {
		t.Errorf("an id of another type: %v", err)
	}
	if _, err := table.find(t.Context(), conn, "event_id", id); err == nil || !strings.Contains(err.Error(), `no column "event_id"`) {
		t.Errorf("no such column: %v", err)
	}
}

// TestARowThatIsNotCommittedIsNotFound: what nobody can see yet may still be rolled back.
func TestARowThatIsNotCommittedIsNotFound(t *testing.T) {
	conn, table := tableOn(t, 0)
	other, err := pgx.ConnectConfig(t.Context(), conn.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close(context.WithoutCancel(t.Context())) })
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var id string
	if err := tx.QueryRow(t.Context(), `SELECT outbox.emit('payment', 'pay_1', 'Booked')`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	r, err := table.find(t.Context(), conn, "id", id)
	if err != nil || r != nil {
		t.Errorf("open transaction: row %+v, %v", r, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err = table.find(t.Context(), conn, "id", id); err != nil || r == nil {
		t.Errorf("committed: row %+v, %v", r, err)
	}
}
