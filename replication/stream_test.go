package replication_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/replication"
)

func TestRowsOfCommittedTransactionsInOrder(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a'), (2, NULL), (3, '')", "INSERT INTO outbox.event VALUES (4, 'ü')")
		first, rows := r.withRows(t)
		if diff := cmp.Diff([]string{"insert outbox.event id=1 payload=a", "insert outbox.event id=2 payload=NULL", "insert outbox.event id=3 payload="}, rows); diff != "" {
			t.Error(diff)
		}
		second, rows := r.withRows(t)
		if diff := cmp.Diff([]string{"insert outbox.event id=4 payload=ü"}, rows); diff != "" {
			t.Error(diff)
		}
		if first.EndLSN > second.CommitLSN || first.XID >= second.XID || first.CommitTime > second.CommitTime {
			t.Errorf("commits %+v and %+v", first, second)
		}
	})
}

func TestRowsCarryTheirTransaction(t *testing.T) {
	f := setup(t, 17)
	r := f.start(t)
	before := f.clock(t)
	var xid uint32
	if err := f.admin.QueryRow(t.Context(), `WITH e AS (INSERT INTO outbox.event VALUES (1, 'a'))
		SELECT pg_current_xact_id()::text::int8`).Scan(&xid); err != nil {
		t.Fatal(err)
	}
	var begin, row replication.Message
	r.until(t, func(m *replication.Message) bool {
		switch m.Kind {
		case replication.Begin:
			begin = *m
		case replication.Insert:
			row = *m
		case replication.Commit:
			for _, other := range []replication.Message{begin, row} {
				if other.CommitLSN != m.CommitLSN || other.CommitTime != m.CommitTime || other.XID != xid || m.XID != xid {
					t.Errorf("%+v is of another transaction than %+v", other, m)
				}
			}
			return true
		}
		return false
	})
	if row.CommitTime < before || row.CommitTime > f.clock(t) {
		t.Errorf("commit time %d is not between %d and %d", row.CommitTime, before, f.clock(t))
	}
}

// clock is the server's, in microseconds since the Unix epoch.
func (f *fixture) clock(t *testing.T) (micros int64) {
	t.Helper()
	if err := f.admin.QueryRow(t.Context(), "SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::int8").Scan(&micros); err != nil {
		t.Fatal(err)
	}
	return micros
}

func TestWhatIsRolledBackNeverComes(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t,
			`BEGIN; INSERT INTO outbox.event VALUES (1, 'rolled back'); ROLLBACK`,
			`BEGIN; INSERT INTO outbox.event VALUES (2, 'before'); SAVEPOINT s; INSERT INTO outbox.event VALUES (3, 'taken back');
			 ROLLBACK TO s; INSERT INTO outbox.event VALUES (4, 'after'); COMMIT`,
		)
		_, rows := r.withRows(t)
		if diff := cmp.Diff([]string{"insert outbox.event id=2 payload=before", "insert outbox.event id=4 payload=after"}, rows); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpdateDeleteAndTruncate(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.exec(t, "CREATE TABLE outbox.kept (id int PRIMARY KEY, payload text, note text)", "ALTER TABLE outbox.kept ALTER payload SET STORAGE EXTERNAL",
			"ALTER PUBLICATION pub ADD TABLE outbox.kept")
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.kept VALUES (1, repeat('x', 10000), 'a')", "UPDATE outbox.kept SET note = 'b'",
			"UPDATE outbox.kept SET id = 2", "DELETE FROM outbox.kept", "TRUNCATE outbox.kept, outbox.event")
		_, rows := r.withRows(t)
		if want := "insert outbox.kept id=1 payload=" + strings.Repeat("x", 10000) + " note=a"; rows[0] != want {
			t.Errorf("a TOASTed value is not whole: %s", rows[0])
		}
		var read []string
		for range 4 {
			_, rows := r.withRows(t)
			read = append(read, rows...)
		}
		want := []string{
			"update outbox.kept id=1 payload=NULL note=b", // TOASTed and unchanged, so not sent
			"update outbox.kept id=2 payload=NULL note=b",
			"delete outbox.kept id=2 payload=NULL note=NULL", // only its key
			"truncate outbox.kept outbox.event",
		}
		if diff := cmp.Diff(want, read); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnchangedValuesAreCounted(t *testing.T) {
	f := setup(t, 17)
	f.exec(t, "ALTER TABLE outbox.event ALTER payload SET STORAGE EXTERNAL", "ALTER TABLE outbox.event REPLICA IDENTITY FULL")
	r := f.start(t)
	f.exec(t, "INSERT INTO outbox.event VALUES (1, repeat('x', 10000))", "UPDATE outbox.event SET id = 2")
	for _, kind := range []replication.Kind{replication.Insert, replication.Update} {
		r.until(t, func(m *replication.Message) bool {
			// With the whole old row as replica identity the value comes in that one, which is left.
			if want := map[replication.Kind]int{replication.Update: 1}[m.Kind]; m.Unchanged != want {
				t.Errorf("%s: %d unchanged values instead of %d", m.Kind, m.Unchanged, want)
			}
			return m.Kind == kind
		})
	}
}

func TestRelationIsNewAfterDDLAlsoInsideATransaction(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t, `BEGIN; INSERT INTO outbox.event VALUES (1, 'a'), (2, 'b'); ALTER TABLE outbox.event ADD COLUMN extra int DEFAULT 7;
			INSERT INTO outbox.event VALUES (3, 'c', 8); COMMIT`, "INSERT INTO outbox.event VALUES (4, 'd', 9)")
		var relations []*replication.Relation
		read := r.until(t, func(m *replication.Message) bool {
			if m.Kind == replication.Insert {
				relations = append(relations, m.Relation)
			}
			return len(relations) == 4
		})
		// Between the first two the server may describe the table again at any time: other sessions invalidate its cache.
		if relations[1] == relations[2] {
			t.Errorf("relations %p %p", relations[1], relations[2])
		}
		if len(relations[0].Columns) != 2 || len(relations[1].Columns) != 2 || len(relations[2].Columns) != 3 || relations[2].OID != relations[0].OID {
			t.Errorf("before %+v, after %+v", relations[0], relations[2])
		}
		if want := "insert outbox.event id=3 payload=c extra=8"; !strings.Contains(strings.Join(read, "\n"), want) {
			t.Errorf("%q lacks %s", read, want)
		}
	})
}

func TestPartitionsComeUnderTheRootsName(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.exec(t,
			"CREATE TABLE outbox.root (id int, day int) PARTITION BY LIST (day)",
			"CREATE TABLE outbox.one PARTITION OF outbox.root FOR VALUES IN (1)",
			"CREATE TABLE outbox.two (day int, gone text, id int)", // other columns in another order
			"ALTER TABLE outbox.two DROP COLUMN gone",
			"ALTER TABLE outbox.root ATTACH PARTITION outbox.two FOR VALUES IN (2)",
			"CREATE PUBLICATION root FOR TABLE outbox.root WITH (publish_via_partition_root = true)",
		)
		f.config.Publication = "root"
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.root VALUES (1, 1), (2, 2)", "BEGIN; INSERT INTO outbox.root VALUES (3, 2); DROP TABLE outbox.two; COMMIT")
		_, rows := r.withRows(t)
		_, more := r.withRows(t)
		want := []string{"insert outbox.root id=1 day=1", "insert outbox.root id=2 day=2", "insert outbox.root id=3 day=2"}
		if diff := cmp.Diff(want, append(rows, more...)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWALMessages(t *testing.T) {
	onVersions(t, []int{14, 15, 17, 18}, func(t *testing.T, f *fixture) {
		f.config.Messages = true
		r := f.start(t)
		f.exec(t,
			"BEGIN; SELECT pg_logical_emit_message(false, 'relay', 'rolled back'); SELECT pg_logical_emit_message(true, 'relay', 'no'); ROLLBACK",
			"BEGIN; INSERT INTO outbox.event VALUES (1, 'a'); SELECT pg_logical_emit_message(true, 'relay', 'two'); INSERT INTO outbox.event VALUES (3, 'c'); COMMIT",
		)
		read := r.until(t, func(m *replication.Message) bool {
			if m.Kind == replication.LogicalMessage && m.Transactional != (m.XID != 0 && m.CommitLSN != 0) {
				t.Errorf("%+v", m)
			}
			return m.Kind == replication.Insert && string(m.Values[0]) == "3"
		})
		want := []string{
			"message transactional=false relay=rolled back", // sent when it was written, whatever became of its transaction
			"begin", "insert outbox.event id=1 payload=a", "message transactional=true relay=two", "insert outbox.event id=3 payload=c",
		}
		if diff := cmp.Diff(want, slicesWithoutEmpty(read)); diff != "" {
			t.Error(diff)
		}
	})
}

// slicesWithoutEmpty leaves out transactions without rows, which 13 and 14 send.
func slicesWithoutEmpty(read []string) []string {
	var kept []string
	for _, text := range read {
		if n := len(kept); text == "commit" && n > 0 && kept[n-1] == "begin" {
			kept = kept[:n-1]
			continue
		}
		kept = append(kept, text)
	}
	return kept
}

func TestForeignTransactionsAreEmptyOrKeepalives(t *testing.T) {
	onVersions(t, []int{13, 14, 15, 18}, func(t *testing.T, f *fixture) {
		f.exec(t, "CREATE TABLE foreign_rows (id int)")
		r := f.start(t)
		f.exec(t, "INSERT INTO foreign_rows VALUES (1)")
		end, err := f.connect(t).FlushLSN(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read := r.until(t, func(m *replication.Message) bool { return m.WALEnd >= end || m.EndLSN >= end })
		if empty := len(read) > 0; empty != (f.pg.Major < 15) {
			t.Errorf("%q", read)
		}
	})
}

func TestValuesLookTheSameWhateverTheRolesSettings(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		role := f.pg.Role(t, "LOGIN REPLICATION")
		f.config.ConnString = f.pg.URL(role)
		for _, setting := range []string{
			"DateStyle = 'German'", "TimeZone = 'Asia/Tokyo'", "IntervalStyle = 'iso_8601'", "extra_float_digits = -10", "bytea_output = 'escape'",
			"search_path = outbox", "client_encoding = 'LATIN1'", "quote_all_identifiers = on", "xmlbinary = hex",
		} {
			f.exec(t, "ALTER ROLE "+role+" SET "+setting)
		}
		f.exec(t, `CREATE TABLE outbox.kinds (d date, ts timestamptz, i interval, f float8, b bytea, c regclass, m money, s text)`,
			"ALTER PUBLICATION pub ADD TABLE outbox.kinds")
		r := f.start(t)
		f.exec(t, `INSERT INTO outbox.kinds VALUES ('2026-11-24', '2026-11-24 12:00:00.5+02', '1 year 2 days 3:04:05', 0.1::float8 + 0.2,
			'\x00ff', 'outbox.event', '1234.5'::numeric::money, 'ü€')`)
		_, rows := r.withRows(t)
		want := []string{`insert outbox.kinds d=2026-11-24 ts=2026-11-24 10:00:00.5+00 i=1 year 2 days 03:04:05 f=0.30000000000000004 b=\x00ff c=outbox.event m=$1,234.50 s=ü€`}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLargeTransactionAndLargeRowsComeWhole(t *testing.T) {
	onVersions(t, []int{13, 18}, func(t *testing.T, f *fixture) {
		const rows, large = 50_000, 3 << 20
		r := f.start(t)
		f.exec(t, fmt.Sprintf("INSERT INTO outbox.event SELECT i, CASE WHEN i %% 10000 = 0 THEN repeat('x', %d) ELSE 'p' || i END FROM generate_series(1, %d) i", large, rows))
		n := 0
		r.until(t, func(m *replication.Message) bool {
			if m.Kind == replication.Insert {
				n++
				want := "p" + fmt.Sprint(n)
				if n%10000 == 0 {
					want = strings.Repeat("x", large)
				}
				if string(m.Values[0]) != fmt.Sprint(n) || string(m.Values[1]) != want {
					t.Fatalf("row %d is %s with a payload of %d bytes", n, m.Values[0], len(m.Values[1]))
				}
			}
			return m.Kind == replication.Commit && n > 0
		})
		if n != rows {
			t.Errorf("%d rows of %d", n, rows)
		}
	})
}

func TestMissingPublicationIsFatal(t *testing.T) {
	onVersions(t, []int{13, 14, 15, 16, 17, 18}, func(t *testing.T, f *fixture) {
		// A role that silences notices must not silence this one.
		role := f.pg.Role(t, "LOGIN REPLICATION")
		f.exec(t, "ALTER ROLE "+role+" SET client_min_messages = error")
		f.config.ConnString = f.pg.URL(role)
		f.createSlot(t)
		f.exec(t, "DROP PUBLICATION pub", "INSERT INTO outbox.event VALUES (1, 'lost?')", "CREATE PUBLICATION pub FOR TABLE outbox.event",
			"INSERT INTO outbox.event VALUES (2, 'b')")
		for range 2 { // again in the next session: nothing of it was acknowledged
			r := f.start(t)
			var err error
			var m *replication.Message
			for err == nil {
				if m, err = r.Next(); err == nil && m.Kind == replication.Insert {
					t.Fatalf("%s comes, without the row before it", describe(m))
				}
			}
			if replication.Classify(err) != replication.PublicationMissing || !errors.Is(err, replication.ErrNoPublication) {
				t.Errorf("class %v: %v", replication.Classify(err), err)
			}
			if _, again := r.Next(); !errors.Is(again, err) {
				t.Errorf("then %v", again)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
