package devstacktest

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
)

// cleanupLimit bounds what a test cleans up.
const cleanupLimit = 30 * time.Second

// PG is a fresh database on a server that other tests use too.
type PG struct {
	Major    int
	Database string // also good as the beginning of names that are unique in the cluster: slots and roles

	server string // the superuser's connection string, to another database
}

// Postgres makes a database on the shared server of a major version (0: devstack.DefaultPostgres) and drops it after the
// test, together with its replication slots, whoever still uses them.
func Postgres(t testing.TB, major int) *PG {
	t.Helper()
	if major == 0 {
		major = devstack.DefaultPostgres
	}
	pg := &PG{Major: major, Database: "t_" + token(), server: shared.postgresURL(t, major)}
	pg.execOn(t, t.Context(), pg.server, "CREATE DATABASE "+pg.Database)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanupLimit)
		defer cancel()
		pg.execOn(t, ctx, pg.server, dropSlots(pg.Database), "DROP DATABASE "+pg.Database+" WITH (FORCE)")
	})
	return pg
}

// dropSlots ends the walsenders of a database's slots and drops the slots. A walsender needs a moment to go.
func dropSlots(database string) string {
	return fmt.Sprintf(`DO $$
DECLARE slot record;
BEGIN
	FOR tries IN 1..1000 LOOP
		PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '%[1]s' AND active;
		FOR slot IN SELECT slot_name FROM pg_replication_slots WHERE database = '%[1]s' AND NOT active LOOP
			BEGIN
				PERFORM pg_drop_replication_slot(slot.slot_name);
			EXCEPTION WHEN object_in_use OR undefined_object THEN
			END;
		END LOOP;
		EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots WHERE database = '%[1]s');
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$`, database)
}

// URL is the connection string of a role to the database over TCP.
func (pg *PG) URL(user string) string {
	u, err := url.Parse(pg.server)
	if err != nil {
		panic(err) // it came from devstack, or Postgres has already connected with it
	}
	u.Path = "/" + pg.Database
	if user != devstack.Superuser {
		u.User = url.UserPassword(user, devstack.Password)
	}
	return u.String()
}

// Connect opens a superuser's connection to the database, closed after the test.
func (pg *PG) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return connect(t, pg.URL(devstack.Superuser))
}

// Exec runs statements as the superuser, each on its own.
func (pg *PG) Exec(t testing.TB, statements ...string) {
	t.Helper()
	pg.execOn(t, t.Context(), pg.URL(devstack.Superuser), statements...)
}

// Role makes a role for the test, dropped after it: attributes as in CREATE ROLE, for example LOGIN REPLICATION. Its
// password is devstack.Password, so URL works for it.
func (pg *PG) Role(t testing.TB, attributes string) string {
	t.Helper()
	role := "r_" + token()
	pg.execOn(t, t.Context(), pg.server, fmt.Sprintf("CREATE ROLE %s PASSWORD '%s' %s", role, devstack.Password, attributes))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanupLimit)
		defer cancel()
		drop := []string{"DROP OWNED BY " + role + " CASCADE"}
		pg.execOn(t, ctx, pg.URL(devstack.Superuser), drop...)
		pg.execOn(t, ctx, pg.server, append(drop, "DROP ROLE "+role)...)
	})
	return role
}

func (pg *PG) execOn(t testing.TB, ctx context.Context, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// OwnPostgres starts a server for one test and closes it after. If the test fails the end of the server's log is
// shown.
func OwnPostgres(t testing.TB, opts devstack.PostgresOptions) *devstack.Postgres {
	t.Helper()
	p, err := devstack.StartPostgres(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, p.Log, p.Close) })
	return p
}
