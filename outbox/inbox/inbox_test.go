package inbox_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" of database/sql

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/outbox/inbox"
)

const (
	event1 = "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01"
	event2 = "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f02"
)

// newInbox makes a database with an inbox and more, and gives the application's connection string.
func newInbox(t *testing.T, schema string, more ...string) (url string) {
	t.Helper()
	pg := devstacktest.Postgres(t, 0)
	app := pg.Role(t, "LOGIN")
	ddl, err := migrations.Print(migrations.Options{Inbox: schema, AppRole: app}, "inbox", "inbox_progress")
	check(t, err)
	pg.Exec(t, append([]string{ddl}, more...)...)
	return pg.URL(app)
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	check(t, err)
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// handles runs once in a transaction of its own and says whether the event was handled.
func handles(t *testing.T, conn *pgx.Conn, once func(tx outbox.Tx, handle inbox.Handler) error) (handled bool) {
	t.Helper()
	check(t, pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		return once(outbox.Pgx(tx), func(context.Context) error {
			handled = true
			return nil
		})
	}))
	return handled
}

func byID(t *testing.T, consumer, id string) func(outbox.Tx, inbox.Handler) error {
	return func(tx outbox.Tx, handle inbox.Handler) error {
		return inbox.Once(t.Context(), tx, consumer, id, handle)
	}
}

func bySeq(t *testing.T, consumer string, at inbox.Place) func(outbox.Tx, inbox.Handler) error {
	return func(tx outbox.Tx, handle inbox.Handler) error {
		return inbox.OnceBySeq(t.Context(), tx, consumer, at, handle)
	}
}

func TestOnce(t *testing.T) {
	conn := connect(t, newInbox(t, ""))
	for _, tt := range []struct {
		consumer, id string
		want         bool
	}{
		{"billing", event1, true},
		{"billing", event1, false},
		{"billing", strings.ToUpper(event1), false},
		{"mail", event1, true},
		{"billing", event2, true},
		{"billing", event1, false},
	} {
		if got := handles(t, conn, byID(t, tt.consumer, tt.id)); got != tt.want {
			t.Errorf("%s handles %s: %t, want %t", tt.consumer, tt.id, got, tt.want)
		}
	}
}

func TestOnceBySeq(t *testing.T) {
	conn := connect(t, newInbox(t, ""))
	const topic = "payment.events"
	for _, tt := range []struct {
		consumer string
		at       inbox.Place
		want     bool
	}{
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441267000/9"}, true},
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441267000/9"}, false},
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441267000/10"}, true}, // a number, not a text
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441267000/9"}, false},
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441267000/9223372036854775807"}, true},
		{"billing", inbox.Place{Topic: topic, Partition: 1, Seq: "shop/1732441267000/3"}, true},
		{"billing", inbox.Place{Topic: "audit", Seq: "shop/1732441267000/3"}, true},
		{"mail", inbox.Place{Topic: topic, Seq: "shop/1732441267000/3"}, true},
		{"billing", inbox.Place{Topic: topic, Seq: "shop.1/1732441267000/3"}, true},
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441268000/1"}, true},
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441266000/1"}, true}, // later, by a clock that was wrong
		{"billing", inbox.Place{Topic: topic, Seq: "shop/1732441268000/1"}, false},
	} {
		if got := handles(t, conn, bySeq(t, tt.consumer, tt.at)); got != tt.want {
			t.Errorf("%s handles %v: %t, want %t", tt.consumer, tt.at, got, tt.want)
		}
	}
	var rows int
	check(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM inbox.progress`).Scan(&rows))
	if rows != 7 {
		t.Errorf("the table has %d rows, want one for each consumer, partition, relay and generation: 7", rows)
	}
}

func TestOnceWithDatabaseSQL(t *testing.T) {
	const schema = "Déjà vu"
	db, err := sql.Open("pgx", newInbox(t, schema))
	check(t, err)
	defer db.Close()
	store := inbox.Store{Schema: schema}
	for _, want := range []bool{true, false} {
		tx, err := db.BeginTx(t.Context(), nil)
		check(t, err)
		var byID, bySeq bool
		check(t, store.Once(t.Context(), outbox.SQL(tx), "billing", event1, func(context.Context) error { byID = true; return nil }))
		check(t, store.OnceBySeq(t.Context(), outbox.SQL(tx), "billing", inbox.Place{Seq: "shop/1/1"}, func(context.Context) error { bySeq = true; return nil }))
		check(t, tx.Commit())
		if byID != want || bySeq != want {
			t.Errorf("handled by id: %t, by seq: %t, want %t", byID, bySeq, want)
		}
	}
}

// TestFailedEventsComeAgain: what is rolled back was not handled.
func TestFailedEventsComeAgain(t *testing.T) {
	conn := connect(t, newInbox(t, ""))
	at := inbox.Place{Topic: "t", Seq: "shop/1/1"}
	for _, once := range []func(outbox.Tx, inbox.Handler) error{byID(t, "billing", event1), bySeq(t, "billing", at)} {
		broken := errors.New("no such account")
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			return once(outbox.Pgx(tx), func(context.Context) error { return broken })
		})
		if !errors.Is(err, broken) {
			t.Errorf("error is %v, want the handler's", err)
		}
		if !handles(t, conn, once) {
			t.Error("the event counts as handled")
		}
	}
}

// TestTwoAtTheSameTime: the second consumer of an event waits for what becomes of the first.
func TestTwoAtTheSameTime(t *testing.T) {
	url := newInbox(t, "")
	at := inbox.Place{Topic: "t", Seq: "shop/1/2"}
	for name, once := range map[string]func(outbox.Tx, inbox.Handler) error{"id": byID(t, "billing", event1), "seq": bySeq(t, "billing", at)} {
		t.Run(name, func(t *testing.T) {
			first, second, watch := connect(t, url), connect(t, url), connect(t, url)
			handles(t, first, bySeq(t, "billing", inbox.Place{Topic: "t", Seq: "shop/1/1"})) // a row to be updated
			for _, commits := range []bool{false, true} {
				tx, err := first.Begin(t.Context())
				check(t, err)
				check(t, once(outbox.Pgx(tx), func(context.Context) error { return nil }))
				handled := make(chan bool)
				go func() { handled <- handles(t, second, once) }()
				waitUntilBlocked(t, watch, second)
				if commits {
					check(t, tx.Commit(t.Context()))
				} else {
					check(t, tx.Rollback(t.Context()))
				}
				if got := <-handled; got == commits {
					t.Errorf("the first commits: %t, the second handles: %t", commits, got)
				}
				check(t, forget(t, watch))
			}
		})
	}
}

func forget(t *testing.T, conn *pgx.Conn) error {
	_, err := conn.Exec(t.Context(), `DELETE FROM inbox.event; UPDATE inbox.progress SET seq = 1`)
	return err
}

// waitUntilBlocked returns when a connection waits for a lock.
func waitUntilBlocked(t *testing.T, watch, conn *pgx.Conn) {
	t.Helper()
	for {
		var blocked bool
		check(t, watch.QueryRow(t.Context(), `SELECT cardinality(pg_blocking_pids($1)) > 0`, conn.PgConn().PID()).Scan(&blocked))
		if blocked {
			return
		}
	}
}

func TestOnceRefuses(t *testing.T) {
	handle := func(context.Context) error {
		t.Error("it is handled")
		return nil
	}
	for _, tt := range []struct {
		name string
		call func(tx outbox.Tx) error
		want string
	}{
		{"no id", func(tx outbox.Tx) error { return inbox.Once(t.Context(), tx, "billing", "", handle) }, `parse event id ""`},
		{"id is no uuid", func(tx outbox.Tx) error { return inbox.Once(t.Context(), tx, "billing", "42", handle) }, `parse event id "42": not a uuid`},
		{"no consumer", func(tx outbox.Tx) error { return inbox.Once(t.Context(), tx, "", event1, handle) }, "the consumer has no name"},
		{"no seq", func(tx outbox.Tx) error {
			return inbox.OnceBySeq(t.Context(), tx, "billing", inbox.Place{Topic: "t", Partition: 3}, handle)
		}, `handle event of t/3 once: parse relay-seq ""`},
		{"seq of another kind", func(tx outbox.Tx) error {
			return inbox.OnceBySeq(t.Context(), tx, "billing", inbox.Place{Seq: "shop/1/2/3"}, handle)
		}, `parse relay-seq "shop/1/2/3": want <relay>/<generation>/<number>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(nil) // no round trip is made
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q in it", err, tt.want)
			}
		})
	}
}
