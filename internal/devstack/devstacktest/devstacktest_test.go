package devstacktest_test

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func TestPostgresIsDroppedWithSlotAndRole(t *testing.T) {
	server := devstacktest.Postgres(t, 0).Connect(t)
	var database, role string
	ok := t.Run("uses", func(t *testing.T) {
		pg := devstacktest.Postgres(t, 0)
		database, role = pg.Database, pg.Role(t, "LOGIN REPLICATION")
		pg.Exec(t, "CREATE TABLE x (n int)", "GRANT SELECT ON x TO "+role,
			"SELECT pg_create_logical_replication_slot('"+pg.Database+"', 'pgoutput')")
		if !strings.Contains(pg.URL(role), role) {
			t.Errorf("URL(%s) is %s", role, pg.URL(role))
		}
	})
	if !ok {
		return
	}
	var left int
	err := server.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_database WHERE datname = $1)
		+ (SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1)
		+ (SELECT count(*) FROM pg_roles WHERE rolname = $2)`, database, role).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d of database, slot and role are left: %v", left, err)
	}
}

func TestKafkaAnswers(t *testing.T) {
	k := devstacktest.Kafka(t)
	if _, err := devstack.AskMetadata(t.Context(), k.Brokers[0]); err != nil {
		t.Error(err)
	}
}
