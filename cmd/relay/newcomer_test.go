package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// TestNewcomer goes the way of a team with an application, its migrations and its tool: export, migrate, check, init,
// write events from Python and Go, run, book them elsewhere through the inbox, see an old day go, audit.
func TestNewcomer(t *testing.T) {
	for name, team := range teams() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t, name)
			n.migrate(t, team)
			n.relay(t, fault.ExitDone, "init")
			n.beganDaysAgo(t)
			n.emitFiveDaysAgo(t)
			n.emitFromPython(t)
			n.emitFromGo(t)

			d := n.start(t)
			n.consume(t, team.consumer(t, n.dir))
			eventually(t, func() bool { return n.rows(t) == 2 }) // the old day is gone, today's rows are not
			stdout, _ := n.relay(t, fault.ExitDone, "audit")
			wants(t, stdout, "rows in the table                                   2", "events in Kafka                                     3")
			d.stop(t)
			if c := n.checkpoint(t); c.Record == nil || c.Record.EventsTotal != 3 {
				t.Errorf("checkpoint after three events: %+v", c)
			}
			n.relay(t, fault.ExitDone, "audit")
		})
	}
}

// newcomer is a team with the database of its application, which has a migration of its own before any of Relay's.
type newcomer struct {
	*rig
	owner, app string // roles
	migrations string // directory
	tool       string
}

func newNewcomer(t *testing.T, tool string) *newcomer {
	t.Helper()
	n := &newcomer{rig: newRigWithoutTable(t), tool: tool}
	n.owner, n.app = n.pg.Role(t, "LOGIN"), n.pg.Role(t, "LOGIN")
	n.pg.Exec(t, "GRANT CREATE ON DATABASE "+n.pg.Database+" TO "+n.owner, "GRANT CREATE ON SCHEMA public TO "+n.owner)
	n.migrations = filepath.Join(n.dir, "migrations")
	return n
}

// migrate adds Relay's migrations to the team's and applies both with the team's tool.
func (n *newcomer) migrate(t *testing.T, team team) {
	t.Helper()
	if err := os.Mkdir(n.migrations, 0o700); err != nil {
		t.Fatal(err)
	}
	n.write(t, filepath.Join("migrations", team.first), team.head+`
CREATE TABLE payment (id text PRIMARY KEY, amount numeric NOT NULL);
GRANT INSERT ON payment TO `+n.app+";\n")
	n.relay(t, fault.ExitDone, "migrate", "export", "--tool", n.tool, "--dir", n.migrations, "--role-app", n.app, "--role-relay", n.role)
	n.relay(t, fault.ExitWanting, "migrate", "check", "--role-app", n.app)
	program, err := team.program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	succeeds(t, program.Command(t.Context(), team.migrate(t, n.migrations, n.pg.URL(n.owner))...))
	n.relay(t, fault.ExitDone, "migrate", "check", "--role-app", n.app)
}

// beganDaysAgo dates the beginning of the relay back: rows from before it are never truncated.
func (n *newcomer) beganDaysAgo(t *testing.T) {
	t.Helper()
	client, err := publisher.Connect(t.Context(), publisher.Config{Brokers: n.brokers, Relay: n.name, CheckpointTopic: "relay.checkpoints." + n.name})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	look, err := client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	producer, err := client.Fence(t.Context(), func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := producer.Barrier(t.Context(), *look.Barrier); err != nil {
		t.Fatal(err)
	}
	cp := *look.Checkpoint
	cp.Seq++
	cp.Generation = time.Now().AddDate(0, 0, -10).UnixMilli()
	if _, err := producer.Publish(t.Context(), publisher.Commit{Checkpoint: &cp}); err != nil {
		t.Fatal(err)
	}
}

// emitFiveDaysAgo writes an event as if it were older than outbox.cleanup.keep. Only the table's owner can.
func (n *newcomer) emitFiveDaysAgo(t *testing.T) {
	t.Helper()
	n.pg.Exec(t, `INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload, created_at, weekday)
		SELECT 'payment', 'pay_old', 'PaymentBooked', '{"account": "acc_1", "amount": "1.00"}', at, extract(isodow FROM at AT TIME ZONE 'UTC')
		FROM (SELECT now() - interval '5 days') AS day (at)`)
}

func (n *newcomer) emitFromPython(t *testing.T) {
	t.Helper()
	python, err := devstack.Python(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := python.Command(t.Context(), "../../examples/emit/emit.py")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+n.pg.URL(n.app))
	succeeds(t, cmd)
}

// emitFromGo is what docs/emitting.md shows.
func (n *newcomer) emitFromGo(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), n.pg.URL(n.app))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO payment (id, amount) VALUES ('pay_go', 0.70)`); err != nil {
			return err
		}
		return outbox.Emit(t.Context(), outbox.Pgx(tx), outbox.Event{
			AggregateType: "payment", AggregateID: "pay_go", Type: "PaymentBooked",
			Payload: json.RawMessage(`{"account": "acc_1", "amount": "0.70"}`),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// consume books the payments in another team's database, each once, until all three are there: 1.00, 12.30 and 0.70.
func (n *newcomer) consume(t *testing.T, consumer *exec.Cmd) {
	t.Helper()
	bank := devstacktest.Postgres(t, 0)
	role := bank.Role(t, "LOGIN")
	inbox, _ := n.relay(t, fault.ExitDone, "migrate", "print", "--role-app", role, "inbox", "inbox_progress")
	account, err := os.ReadFile("../../examples/consume/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	bank.Exec(t, inbox, string(account), "GRANT SELECT, INSERT, UPDATE ON account TO "+role)

	var log strings.Builder
	consumer.Stdout, consumer.Stderr = &log, &log
	consumer.Env = append(os.Environ(), "DATABASE_URL="+bank.URL(role), "KAFKA="+strings.Join(n.brokers, ","),
		"TOPIC="+n.name+".payment", "GROUP="+n.name, "INSTANCE=1", "INBOX=id")
	if err := consumer.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- consumer.Wait() }()
	conn := bank.Connect(t)
	eventually(t, func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the consumer has ended: %v\n%s", err, &log)
		default:
		}
		var all bool
		if err := conn.QueryRow(t.Context(), "SELECT coalesce(sum(balance) = 14.00 AND sum(bookings) = 3, false) FROM account").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	})
	if err := consumer.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-ended
}

// rows counts what is in the outbox table.
func (n *newcomer) rows(t *testing.T) (count int) {
	t.Helper()
	if err := n.pg.Connect(t).QueryRow(t.Context(), "SELECT count(*) FROM outbox.event").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func succeeds(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, out)
	}
}

// team is what a team uses; internal tests of the export try the other tools.
type team struct {
	program     func(ctx context.Context) (devstack.Program, error)
	first, head string // file name and head of the application's own migration
	migrate     func(t *testing.T, dir, url string) []string
	consumer    func(t *testing.T, dir string) *exec.Cmd
}

func teams() map[string]team {
	return map[string]team{
		"goose": {
			program: devstack.Goose, first: "00001_payment.sql", head: "-- +goose Up",
			migrate:  func(_ *testing.T, dir, url string) []string { return []string{"-dir", dir, "postgres", url, "up"} },
			consumer: goConsumer,
		},
		"flyway": {
			program: devstack.Flyway, first: "V1__payment.sql",
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
			consumer: pythonConsumer,
		},
	}
}

func goConsumer(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(dir, "consume")
	succeeds(t, exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/consume"))
	return exec.CommandContext(t.Context(), program)
}

func pythonConsumer(t *testing.T, _ string) *exec.Cmd {
	t.Helper()
	python, err := devstack.Python(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return python.Command(t.Context(), "../../examples/consume/consume.py")
}
