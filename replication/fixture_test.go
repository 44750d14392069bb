package replication_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/replication"
)

// limit bounds a test that hangs; nothing is measured by it.
const limit = time.Minute

// fixture is a database with an outbox table, its publication, a relay's role and a slot.
type fixture struct {
	pg     *devstacktest.PG
	admin  *pgx.Conn
	config replication.Config
}

// onVersions runs a test on those versions of Postgres where what it looks at differs.
func onVersions(t *testing.T, majors []int, test func(t *testing.T, f *fixture)) {
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, major))
		})
	}
}

var versions = []int{13, 15, 17, 18}

func setup(t *testing.T, major int) *fixture {
	t.Helper()
	pg := devstacktest.Postgres(t, major)
	f := &fixture{pg: pg, admin: pg.Connect(t)}
	f.exec(t,
		"CREATE SCHEMA outbox",
		"CREATE TABLE outbox.event (id int, payload text)",
		"CREATE PUBLICATION pub FOR TABLE outbox.event",
	)
	f.config = replication.Config{
		ConnString:  pg.URL(pg.Role(t, "LOGIN REPLICATION")),
		Slot:        pg.Database,
		Publication: "pub",
	}
	return f
}

func (f *fixture) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := f.admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (f *fixture) connect(t *testing.T) *replication.Conn {
	t.Helper()
	conn, err := replication.Connect(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (f *fixture) createSlot(t *testing.T) replication.LSN {
	t.Helper()
	lsn, err := f.connect(t).CreateSlot(t.Context(), f.config.Slot, false)
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

// start streams from the slot, which it creates if there is none.
func (f *fixture) start(t *testing.T) *reader {
	t.Helper()
	conn := f.connect(t)
	slot, err := conn.Slot(t.Context(), f.config.Slot)
	if err != nil {
		t.Fatal(err)
	}
	if slot == nil {
		if _, err := conn.CreateSlot(t.Context(), f.config.Slot, false); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := conn.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{Stream: stream}
	// A test that waits for what never comes ends with an error instead of hanging.
	stop := context.AfterFunc(deadline(t), func() { _ = stream.Close() })
	t.Cleanup(func() {
		stop()
		_ = stream.Close()
	})
	return r
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	t.Cleanup(cancel)
	return ctx
}

// reader reads a stream as a test wants it: as short texts.
type reader struct {
	*replication.Stream
}

// until reads messages up to the one that want accepts and describes all that are not keepalives.
func (r *reader) until(t *testing.T, want func(m *replication.Message) bool) []string {
	t.Helper()
	var read []string
	for {
		m, err := r.Next()
		if err != nil {
			t.Fatalf("after %q: %v", read, err)
		}
		if m.Kind == replication.Pause { // a matter of the machine
			continue
		}
		if m.Kind != replication.Keepalive {
			read = append(read, describe(m))
		}
		if want(m) {
			return read
		}
	}
}

// transaction reads up to the next commit and returns it, with the transaction's messages but for Begin and Commit.
func (r *reader) transaction(t *testing.T) (commit replication.Message, rows []string) {
	t.Helper()
	read := r.until(t, func(m *replication.Message) bool {
		commit = *m
		return m.Kind == replication.Commit
	})
	for _, text := range read {
		if text != "begin" && text != "commit" {
			rows = append(rows, text)
		}
	}
	return commit, rows
}

// withRows reads on to the next transaction that has any: up to 14 the server sends an empty one for each that is not
// for us.
func (r *reader) withRows(t *testing.T) (commit replication.Message, rows []string) {
	t.Helper()
	for len(rows) == 0 {
		commit, rows = r.transaction(t)
	}
	return commit, rows
}

func describe(m *replication.Message) string {
	var b strings.Builder
	b.WriteString(m.Kind.String())
	if m.Relation != nil {
		fmt.Fprintf(&b, " %s.%s", m.Relation.Namespace, m.Relation.Name)
	}
	for i, v := range m.Values {
		text := "NULL"
		if v != nil {
			text = string(v)
		}
		fmt.Fprintf(&b, " %s=%s", m.Relation.Columns[i].Name, text)
	}
	for _, r := range m.Relations {
		fmt.Fprintf(&b, " %s.%s", r.Namespace, r.Name)
	}
	if m.Kind == replication.LogicalMessage {
		fmt.Fprintf(&b, " transactional=%t %s=%s", m.Transactional, m.Prefix, m.Content)
	}
	return b.String()
}
