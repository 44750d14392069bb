package relay

import (
	"fmt"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// The refusals of this file need servers with settings of their own.

func TestServerWithoutLogicalWALIsRefused(t *testing.T) {
	t.Parallel()
	pg := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"wal_level": "replica"}})
	kafka := devstacktest.Kafka(t)
	r := newRig(t, pg.URL(devstack.Superuser, "postgres"), kafka.Brokers, kafka.Prefix)
	d := r.run(t)
	d.wantState(t, status.Refused, fault.ServerUnsuitable)
	d.wantReason(t, `wal_level is "replica"`)
	if err := pg.Stop(t.Context(), devstack.Fast); err != nil {
		t.Fatal(err)
	}
	pg.Set("wal_level", "logical")
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.wantState(t, status.Refused, fault.NotInitialised) // it goes on by itself to the next verdict
}

// TestLostSlotIsRefused: Postgres has removed WAL that the slot still needed.
func TestLostSlotIsRefused(t *testing.T) {
	t.Parallel()
	pg := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "48MB"}})
	kafka := devstacktest.Kafka(t)
	r := newRig(t, pg.URL(devstack.Superuser, "postgres"), kafka.Brokers, kafka.Prefix)
	r.init(t)
	eventually(t, "the slot is lost", func() bool {
		r.emit(t, 1)
		r.exec(t, `SELECT pg_switch_wal()`, `CHECKPOINT`)
		var wal string
		if err := r.db.QueryRow(t.Context(), `SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1`, r.cfg.Source.Slot).Scan(&wal); err != nil {
			t.Fatal(err)
		}
		return wal == "lost"
	})
	d := r.run(t)
	d.wantState(t, status.Refused, fault.SlotUnusable)
	d.wantReason(t, "is lost")
	if d.protocol.count("barrier") != 0 {
		t.Error("a lost slot needs no fence")
	}
}

// TestUnverifiedTransactionsAreRefused: without verification a late write can enter the next transaction.
func TestUnverifiedTransactionsAreRefused(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{Settings: map[string]string{"transaction.partition.verification.enable": "false"}})
	r := newRig(t, devstacktest.Postgres(t, 0).URL(devstack.Superuser), kafka.Brokers(), "unverified")
	if err := Init(t.Context(), r.cfg, t.Output()); fault.Exit(err) != fault.ExitRefused {
		t.Fatalf("init: %v, want a refusal", err)
	}
}

// TestUnloggedPartitionIsRefused: the catalogue's view of the publication shows only the root.
func TestUnloggedPartitionIsRefused(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.exec(t, `DROP TABLE outbox`,
		`CREATE TABLE outbox (id text, aggregate_type text, aggregate_id text, event_type text, payload text) PARTITION BY LIST (aggregate_type)`,
		`CREATE TABLE orders PARTITION OF outbox FOR VALUES IN ('order')`,
		`DROP PUBLICATION outbox`, `CREATE PUBLICATION outbox FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true)`)
	r.init(t)
	d := r.run(t)
	r.emit(t, 2)
	r.published(t, d, 2)
	r.exec(t, `ALTER TABLE orders SET UNLOGGED`) // the watcher sees it while streaming
	d.wantState(t, status.Refused, fault.OutboxUnusable)
	d.wantReason(t, "orders is unlogged")
}

// TestSlotOfAnotherKindIsRefused: of another database, or of a kind that sends too early or ends with a connection.
func TestSlotOfAnotherKindIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		make func(t *testing.T, r *rig)
		says string
	}{
		"another database": {func(t *testing.T, r *rig) {
			other := devstacktest.Postgres(t, 0)
			other.Exec(t, fmt.Sprintf(`SELECT pg_create_logical_replication_slot('%s', 'pgoutput')`, r.cfg.Source.Slot))
		}, "belongs to database"},
		"two_phase": {func(t *testing.T, r *rig) {
			r.exec(t, fmt.Sprintf(`SELECT pg_create_logical_replication_slot('%s', 'pgoutput', false, true)`, r.cfg.Source.Slot))
		}, "two_phase"},
		"temporary": {func(t *testing.T, r *rig) {
			r.exec(t, fmt.Sprintf(`SELECT pg_create_logical_replication_slot('%s', 'pgoutput', true)`, r.cfg.Source.Slot))
		}, "temporary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sharedRig(t)
			r.init(t)
			r.dropSlot(t)
			tc.make(t, r)
			d := r.run(t)
			d.wantState(t, status.Refused, fault.SlotUnusable)
			d.wantReason(t, tc.says)
		})
	}
}
