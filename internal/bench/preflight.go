package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
)

// slotsNeeded is how many replication slots exist at once: the base and that of a run.
const slotsNeeded = 2

// preflight refuses before anything is made: what is in the way, and what could not be done.
func (b *bench) preflight(ctx context.Context) error {
	for _, check := range []func(context.Context) error{b.checkServer, b.checkRights, b.checkSlots, b.checkNames, b.checkTopics} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func unsuitable(hint, format string, args ...any) error {
	return &fault.Error{Code: fault.ServerUnsuitable, Summary: fmt.Sprintf(format, args...), Hint: hint}
}

func (b *bench) checkServer(ctx context.Context) error {
	var level string
	var recovery bool
	err := b.db.conn.QueryRow(ctx, "SELECT current_setting('wal_level'), pg_is_in_recovery()").Scan(&level, &recovery)
	switch {
	case err != nil:
		return fmt.Errorf("ask Postgres who it is: %w", err)
	case recovery:
		return &fault.Error{Code: fault.InRecovery, Summary: "Postgres is in recovery: a standby cannot be written to", Hint: "Point source.url at the primary."}
	case level != "logical":
		return unsuitable("ALTER SYSTEM SET wal_level = 'logical'; and restart the server.", "wal_level is %q", level)
	}
	return nil
}

func (b *bench) checkRights(ctx context.Context) error {
	var role, database string
	var replication, create bool
	err := b.db.conn.QueryRow(ctx, `SELECT current_user::text, current_database()::text,
		(SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
		has_database_privilege(current_database(), 'CREATE')`).Scan(&role, &database, &replication, &create)
	switch {
	case err != nil:
		return fmt.Errorf("ask Postgres for rights: %w", err)
	case !replication:
		return unsuitable(fmt.Sprintf("ALTER ROLE %q REPLICATION;", role), "role %q may not create replication slots", role)
	case !create:
		return unsuitable(fmt.Sprintf("GRANT CREATE ON DATABASE %q TO %q; or use a database made for the benchmark.", database, role),
			"role %q may not create a schema in database %q", role, database)
	}
	return nil
}

func (b *bench) checkSlots(ctx context.Context) error {
	var used, limit, senders, senderLimit int
	err := b.db.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots')::int,
		(SELECT count(*) FROM pg_stat_replication), current_setting('max_wal_senders')::int`).Scan(&used, &limit, &senders, &senderLimit)
	switch {
	case err != nil:
		return fmt.Errorf("count replication slots: %w", err)
	case used+slotsNeeded > limit:
		return unsuitable("Raise max_replication_slots, or drop slots that nobody needs.",
			"%d of %d replication slots are in use, and the benchmark needs %d", used, limit, slotsNeeded)
	case senders >= senderLimit:
		return unsuitable("Raise max_wal_senders.", "all %d walsenders are in use", senderLimit)
	}
	return nil
}

// checkNames looks for anything that has a name of ours: it belongs to another benchmark, or is left of one that was
// killed, and is not ours to touch.
func (b *bench) checkNames(ctx context.Context) error {
	rows, err := b.db.conn.Query(ctx, `SELECT 'schema ' || quote_ident(nspname), 'DROP SCHEMA ' || quote_ident(nspname) || ' CASCADE;', 0
			FROM pg_namespace WHERE nspname = $1
		UNION ALL SELECT 'publication ' || quote_ident(pubname), 'DROP PUBLICATION ' || quote_ident(pubname) || ';', 0
			FROM pg_publication WHERE pubname = $1
		UNION ALL SELECT 'replication slot ' || slot_name, 'SELECT pg_drop_replication_slot(' || quote_literal(slot_name) || ');', coalesce(active_pid, 0)
			FROM pg_replication_slots WHERE starts_with(slot_name, $1)`, b.names.postgres())
	if err != nil {
		return fmt.Errorf("look for the names of the benchmark: %w", err)
	}
	defer rows.Close()
	var found, remedies []string
	for rows.Next() {
		var what, remedy string
		var pid int
		if err := rows.Scan(&what, &remedy, &pid); err != nil {
			return fmt.Errorf("look for the names of the benchmark: %w", err)
		}
		if pid != 0 {
			return &fault.Error{
				Code: fault.Busy, Summary: fmt.Sprintf("%s is in use by process %d: another benchmark of this name is at work", what, pid),
				Hint: "Wait until it has ended, or choose another --name.",
			}
		}
		found, remedies = append(found, what), append(remedies, remedy)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for the names of the benchmark: %w", err)
	}
	if len(found) > 0 {
		return taken("Postgres has "+strings.Join(found, ", ")+" already", remedies)
	}
	return nil
}

func (b *bench) checkTopics(context.Context) error {
	if have, want := len(b.kafka.client.Brokers()), b.Config.Kafka.ReplicationFactor; have < want {
		return unsuitable("Set kafka.replication_factor, and below 3 kafka.development: true.",
			"Kafka has %d brokers, and kafka.replication_factor is %d", have, want)
	}
	topics, err := b.kafka.topics()
	if err != nil || len(topics) == 0 {
		return err
	}
	var remedies []string
	for _, topic := range topics {
		remedies = append(remedies, fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --delete --topic %s", b.kafka.brokers[0], topic))
	}
	return taken("Kafka has topic "+strings.Join(topics, ", ")+" already", remedies)
}

func taken(summary string, remedies []string) error {
	return &fault.Error{
		Code: fault.NameTaken, Summary: summary, Details: remedies,
		Hint: "Choose another --name. If a benchmark was killed and left this behind, the lines above remove it. Nothing has been changed.",
	}
}
