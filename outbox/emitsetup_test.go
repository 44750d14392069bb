package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" of database/sql

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

const walPrefix = "outbox"

// database is one with an outbox, a role of the application, and a slot that sees what is published.
type database struct {
	url  string // of the application's role
	slot string
	conn *pgx.Conn // superuser's
}

func newDatabase(t *testing.T, schema string) *database {
	t.Helper()
	pg := devstacktest.Postgres(t, 0)
	db := &database{conn: pg.Connect(t), slot: pg.Database}
	app := pg.Role(t, "LOGIN")
	db.url = pg.URL(app)
	ddl, err := migrations.Print(migrations.Options{Schema: schema, AppRole: app})
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, ddl, "SELECT pg_create_logical_replication_slot('"+db.slot+"', 'pgoutput')")
	return db
}

// records are what the relay makes of all that was committed since the last call.
func (db *database) records(t *testing.T) []record {
	t.Helper()
	rows, err := db.conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL,
		'proto_version', '1', 'publication_names', 'outbox', 'messages', 'true')`, db.slot)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	cfg := outbox.Defaults()
	cfg.WALMessages = walPrefix
	m, err := outbox.NewMapper(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b outbox.Batch
	for _, d := range decodeInserts(stream) {
		if err := mapDecoded(m, d, &b); err != nil {
			t.Error(err)
		}
	}
	return recordsOf(&b)
}

func mapDecoded(m *outbox.Mapper, d decoded, b *outbox.Batch) error {
	if d.prefix != "" {
		if !m.WantsMessage([]byte(d.prefix)) {
			return fmt.Errorf("a message of prefix %q", d.prefix)
		}
		return m.MapMessage(d.message, d.tx, d.index, b)
	}
	plan, err := m.Plan(d.table)
	if err != nil {
		return err
	}
	return plan.Map(outbox.Row{Values: d.values}, d.tx, d.index, b)
}

// record is a record without what is made by the server: id, position, transaction. Its headers are those of the
// application and the type.
type record struct {
	Topic, Key, Value string
	Null              bool
	Headers           map[string]string
}

func recordsOf(b *outbox.Batch) []record {
	var all []record
	for i := range b.Len() {
		r := b.At(i)
		shown := record{Topic: r.Topic, Key: string(r.Key), Value: string(r.Value), Null: r.Value == nil, Headers: map[string]string{}}
		for _, h := range r.Headers {
			if name := string(h.Key); name != "id" && name != "relay-tx" {
				shown.Headers[name] = string(h.Value)
			}
		}
		all = append(all, shown)
	}
	return all
}

// withTx runs a function in a transaction of the application's role, and commits.
type withTx func(t *testing.T, db *database, run func(tx outbox.Tx))

// drivers are the ways in which an application may have its transaction.
func drivers() map[string]withTx {
	return map[string]withTx{
		"pgx": func(t *testing.T, db *database, run func(outbox.Tx)) {
			inPgx(t, db.url, run)
		},
		"pgx behind a pooler": func(t *testing.T, db *database, run func(outbox.Tx)) {
			inPgx(t, db.url+"&default_query_exec_mode=simple_protocol", run)
		},
		"pgx without prepared statements": func(t *testing.T, db *database, run func(outbox.Tx)) {
			inPgx(t, db.url+"&default_query_exec_mode=exec", run)
		},
		"a savepoint of pgx": func(t *testing.T, db *database, run func(outbox.Tx)) {
			conn := must(pgx.Connect(t.Context(), db.url))(t)
			defer conn.Close(context.WithoutCancel(t.Context()))
			tx := must(conn.Begin(t.Context()))(t)
			savepoint := must(tx.Begin(t.Context()))(t)
			run(outbox.Pgx(savepoint))
			check(t, savepoint.Commit(t.Context()))
			check(t, tx.Commit(t.Context()))
		},
		"database/sql": func(t *testing.T, db *database, run func(outbox.Tx)) {
			pool := must(sql.Open("pgx", db.url))(t)
			defer pool.Close()
			tx := must(pool.BeginTx(t.Context(), nil))(t)
			run(outbox.SQL(tx))
			check(t, tx.Commit())
		},
	}
}

func inPgx(t *testing.T, url string, run func(outbox.Tx)) {
	t.Helper()
	conn := must(pgx.Connect(t.Context(), url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	tx := must(conn.Begin(t.Context()))(t)
	run(outbox.Pgx(tx))
	check(t, tx.Commit(t.Context()))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return v
	}
}
