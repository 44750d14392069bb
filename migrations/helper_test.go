package migrations

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

// database is a fresh database with an outbox that an ordinary role owns.
type database struct {
	pg                *devstacktest.PG
	owner, app, relay string
}

// roles makes a database with the three roles and no outbox.
func roles(t testing.TB, major int) *database {
	t.Helper()
	pg := devstacktest.Postgres(t, major)
	db := &database{pg: pg, owner: pg.Role(t, "LOGIN"), app: pg.Role(t, "LOGIN"), relay: pg.Role(t, "LOGIN REPLICATION")}
	pg.Exec(t, "GRANT CREATE ON DATABASE "+pg.Database+" TO "+db.owner)
	return db
}

func migrated(t testing.TB, major int) *database {
	t.Helper()
	db := roles(t, major)
	if complaints := db.apply(t, db.owner, Options{AppRole: db.app, RelayRole: db.relay}); complaints != "" {
		t.Errorf("psql says:\n%s", complaints)
	}
	return db
}

// apply prints migrations and applies them with psql, as the documentation says, and returns what psql complains of.
func (db *database) apply(t testing.TB, role string, opts Options, names ...string) (complaints string) {
	t.Helper()
	sql, err := Print(opts, names...)
	if err != nil {
		t.Fatal(err)
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Fatal("these tests apply the SQL with psql: install postgresql-client")
	}
	cmd := exec.CommandContext(t.Context(), psql, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", "-", db.pg.URL(role))
	cmd.Stdin = strings.NewReader(sql)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("psql: %v\n%s", err, stderr.String())
	}
	return stderr.String()
}

func (db *database) connect(t testing.TB, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.pg.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func (db *database) superuser(t testing.TB) *pgx.Conn { return db.connect(t, devstack.Superuser) }

func mustExec(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// query gives the one value of a query as text.
func query(t testing.TB, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	var v *string
	if err := conn.QueryRow(t.Context(), "SELECT ("+sql+")::text", args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

// wantRefused checks that a statement fails with this SQLSTATE and these words.
func wantRefused(t testing.TB, conn *pgx.Conn, code, words, sql string, args ...any) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql, args...)
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		t.Errorf("%s: error is %v, want SQLSTATE %s", sql, err, code)
		return
	}
	if pgErr.Code != code || !strings.Contains(pgErr.Message, words) {
		t.Errorf("%s: error is %q (%s), want %q in it (%s)", sql, pgErr.Message, pgErr.Code, words, code)
	}
	if everything := fmt.Sprintf("%+v", *pgErr); strings.Contains(everything, secret) {
		t.Errorf("%s: the error shows the payload: %s", sql, everything)
	}
}

// SQLSTATEs.
const (
	checkViolation        = "23514"
	notNullViolation      = "23502"
	insufficientPrivilege = "42501"
)

// secret is in every payload and must not be in any error.
const secret = "4929-secret"

func withSecret(n int) string {
	return `"` + secret + strings.Repeat("x", max(0, n-len(secret)-2)) + `"`
}
