package main

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestNewcomer goes the way of a team with an application, its migrations and its tool: export, migrate, check, init,
// write an event, run, audit.
func TestNewcomer(t *testing.T) {
	for name, team := range teams() {
		t.Run(name, func(t *testing.T) {
			r := newRigWithoutTable(t)
			owner, app := r.pg.Role(t, "LOGIN"), r.pg.Role(t, "LOGIN")
			r.pg.Exec(t, "GRANT CREATE ON DATABASE "+r.pg.Database+" TO "+owner, "GRANT CREATE ON SCHEMA public TO "+owner)
			dir := filepath.Join(r.dir, "migrations")
			r.relay(t, fault.ExitDone, "migrate", "export", "--tool", name, "--dir", dir, "--role-app", app, "--role-relay", r.role)
			r.relay(t, fault.ExitWanting, "migrate", "check", "--role-app", app)
			program, err := team.program(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if out, err := program.Command(t.Context(), team.migrate(t, dir, r.pg.URL(owner))...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			r.relay(t, fault.ExitDone, "migrate", "check", "--role-app", app)

			r.relay(t, fault.ExitDone, "init")
			conn, err := pgx.Connect(t.Context(), r.pg.URL(app))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			if _, err := conn.Exec(t.Context(), `SELECT outbox.emit('payment', 'pay_8812', 'PaymentBooked', '{"amount": 12.30}')`); err != nil {
				t.Fatal(err)
			}
			r.relay(t, fault.ExitDone, "run", "--once")
			if c := r.checkpoint(t); c.Record == nil || c.Record.EventsTotal != 1 {
				t.Errorf("checkpoint after one event: %+v", c)
			}
			r.relay(t, fault.ExitDone, "audit")
		})
	}
}

// team is what a team uses; internal tests of the export try the other tools.
type team struct {
	program func(ctx context.Context) (devstack.Program, error)
	migrate func(t *testing.T, dir, url string) []string
}

func teams() map[string]team {
	return map[string]team{
		"goose": {
			program: devstack.Goose,
			migrate: func(_ *testing.T, dir, url string) []string { return []string{"-dir", dir, "postgres", url, "up"} },
		},
		"flyway": {
			program: devstack.Flyway,
			migrate: func(t *testing.T, dir, databaseURL string) []string {
				u, err := url.Parse(databaseURL)
				if err != nil {
					t.Fatal(err)
				}
				password, _ := u.User.Password()
				return []string{
					"-url=jdbc:postgresql://" + u.Host + u.Path, "-user=" + u.User.Username(), "-password=" + password,
					"-locations=filesystem:" + dir, "migrate",
				}
			},
		},
	}
}
