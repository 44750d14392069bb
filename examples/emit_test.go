package examples

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// event is a row of the outbox, with its payload as text.
type event struct{ AggregateID, Type, Payload, Headers string }

func emitted(id, payload string) []event {
	return []event{{id, "PaymentBooked", payload, `{"tenant": "acme"}`}}
}

// TestEmit runs each program twice. The second time its payment is there already, so the transaction fails: there must
// be no event of it.
func TestEmit(t *testing.T) {
	tests := []struct {
		name   string
		source string
		find   func(t *testing.T) (devstack.Program, error)
		want   []event
	}{
		{"Python", "emit/emit.py", func(t *testing.T) (devstack.Program, error) {
			return devstack.Python(t.Context())
		}, emitted("pay_python", `{"id": "pay_python", "account": "acc_1", "amount": "12.30"}`)},
		{"Java", "", func(t *testing.T) (devstack.Program, error) {
			return devstack.JavaSource(t.Context(), "emit/Emit.java", t.TempDir())
		}, emitted("pay_java", `{"id": "pay_java", "account": "acc_1", "amount": "12.30"}`)},
		{"Node", "emit/emit.js", func(t *testing.T) (devstack.Program, error) {
			return devstack.Node(t.Context())
		}, emitted("pay_node", `{"id":"pay_node","account":"acc_1","amount":"12.30"}`)},
	}
	t.Run("psql", func(t *testing.T) {
		t.Parallel()
		testEmit(t, func(url string) *exec.Cmd {
			return exec.CommandContext(t.Context(), "psql", "-X", "-q", "-f", "emit/emit.sql", url)
		}, []event{
			{"pay_psql", "PaymentBooked", `{"amount": 12.30}`, ""},
			{"pay_psql", "PaymentSettled", `{"fee": 0.10}`, `{"tenant": "acme", "traceparent": "` + traceparent + `"}`},
			{"pay_psql", "PaymentArchived", `{"amount" : 12.30}`, ""},
		})
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program, err := tt.find(t)
			if err != nil {
				t.Fatal(err)
			}
			testEmit(t, func(string) *exec.Cmd {
				return program.Command(t.Context(), strings.Fields(tt.source)...)
			}, tt.want)
		})
	}
}

func testEmit(t *testing.T, command func(url string) *exec.Cmd, want []event) {
	pg := devstacktest.Postgres(t, 0)
	app := pg.Role(t, "LOGIN")
	ddl, err := migrations.Print(migrations.Options{AppRole: app})
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, ddl, `CREATE TABLE payment (id text PRIMARY KEY, amount numeric NOT NULL, settled boolean NOT NULL DEFAULT false)`,
		`GRANT SELECT, INSERT, UPDATE ON payment TO `+app)
	for _, fails := range []bool{false, true} {
		cmd := command(pg.URL(app))
		cmd.Env = append(os.Environ(), "DATABASE_URL="+pg.URL(app), "JDBC_URL="+jdbc(t, pg.URL(app)))
		out, err := cmd.CombinedOutput()
		if (err != nil) != fails || fails && !strings.Contains(string(out), "payment_pkey") {
			t.Fatalf("%s: %v, want it to fail for the key of the table: %t\n%s", cmd, err, fails, out)
		}
	}
	rows, err := pg.Connect(t).Query(t.Context(), `SELECT aggregate_id, event_type, payload::text, coalesce(headers::text, '') FROM outbox.event`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// jdbc writes a connection string in the form of the JDBC driver.
func jdbc(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return fmt.Sprintf("jdbc:postgresql://%s%s?user=%s&password=%s", u.Host, u.Path, u.User.Username(), password)
}
