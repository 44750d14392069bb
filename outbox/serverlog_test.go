package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

// TestServerLogShowsNoPayload: what the table refuses is in the server's log with the rule and without the payload.
func TestServerLogShowsNoPayload(t *testing.T) {
	server := devstacktest.OwnPostgres(t, devstack.PostgresOptions{})
	conn := must(pgx.Connect(t.Context(), server.URL(devstack.Superuser, "postgres")))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	ddl := must(migrations.Print(migrations.Options{}))(t)
	must(conn.Exec(t.Context(), ddl))(t)
	rules := 0
	for _, tt := range refusals() {
		if !tt.table {
			continue
		}
		e := tt.event()
		if tt.reason != outbox.ReasonBadPayload {
			e.Payload = []byte(`{"card": "4929-secret"}`)
		}
		before := len(server.Log())
		refusal, ok := errors.AsType[*pgconn.PgError](insertPlainly(t, conn, e))
		if !ok {
			t.Errorf("%s: the table accepts it", tt.name)
			continue
		}
		if !strings.HasPrefix(refusal.Code, "23") {
			continue // refused as JSON or text, with a piece of it, before the table has a say
		}
		rules++
		log := server.Log()[before:] // the server writes its log before it answers
		if !strings.Contains(log, refusal.Message) {
			t.Errorf("%s: the log does not have the refusal:\n%s", tt.name, log)
		}
		if strings.Contains(log, "4929-secret") {
			t.Errorf("%s: the log shows the payload:\n%s", tt.name, log)
		}
	}
	if rules < 15 {
		t.Errorf("%d events were refused by the table's rules: the test proves little", rules)
	}
}
