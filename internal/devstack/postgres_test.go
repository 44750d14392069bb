package devstack_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestStartPostgres(t *testing.T) {
	for _, major := range devstack.PostgresMajors() {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			p := startPostgres(t, devstack.PostgresOptions{Major: major})
			if got := queryInt(t, p, "SELECT current_setting('server_version_num')::bigint / 10000"); got != int64(major) {
				t.Errorf("server of major %d says %d", major, got)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	ways := map[string]func(context.Context, *devstack.Postgres) error{
		"fast":      func(ctx context.Context, p *devstack.Postgres) error { return p.Stop(ctx, devstack.Fast) },
		"immediate": func(ctx context.Context, p *devstack.Postgres) error { return p.Stop(ctx, devstack.Immediate) },
		"kill":      func(_ context.Context, p *devstack.Postgres) error { return p.Kill() },
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			p := startPostgres(t, devstack.PostgresOptions{})
			port, id := p.Port, queryInt(t, p, "SELECT system_identifier FROM pg_control_system()")
			exec(t, p, "CREATE TABLE kept AS SELECT 1 AS n")
			if err := end(ctx, p); err != nil {
				t.Fatal(err)
			}
			if _, err := pgx.Connect(ctx, p.URL(devstack.Superuser, "postgres")); err == nil {
				t.Fatal("the server answers after its end")
			}
			if err := p.Start(ctx); err != nil {
				t.Fatal(err)
			}
			if p.Port != port || queryInt(t, p, "SELECT system_identifier FROM pg_control_system()") != id {
				t.Error("another server came back")
			}
			if queryInt(t, p, "SELECT count(*) FROM kept") != 1 {
				t.Error("the committed row is gone")
			}
		})
	}
}

func TestStartThatFailsSaysWhatTheServerSays(t *testing.T) {
	ctx := t.Context()
	p := startPostgres(t, devstack.PostgresOptions{})
	if err := p.Stop(ctx, devstack.Fast); err != nil {
		t.Fatal(err)
	}
	p.Set("wal_level", "nonsense")
	if err := p.Start(ctx); err == nil || !strings.Contains(err.Error(), `invalid value for parameter "wal_level"`) {
		t.Errorf("got %v, want the server's own words", err)
	}
	p.Set("wal_level", "logical")
	if err := p.Start(ctx); err != nil {
		t.Errorf("start after a failed start: %v", err)
	}
}

func startPostgres(t *testing.T, opts devstack.PostgresOptions) *devstack.Postgres {
	t.Helper()
	p, err := devstack.StartPostgres(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func connect(t *testing.T, p *devstack.Postgres) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.URL(devstack.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func exec(t *testing.T, p *devstack.Postgres, sql string) {
	t.Helper()
	if _, err := connect(t, p).Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func queryInt(t *testing.T, p *devstack.Postgres, sql string) int64 {
	t.Helper()
	var n int64
	if err := connect(t, p).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}
