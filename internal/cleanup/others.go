package cleanup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/outbox"
)

// holders describes who has a relation locked in one of the modes, or is empty.
func holders(ctx context.Context, conn *pgx.Conn, oid uint32, modes ...string) (string, error) {
	var who string
	err := conn.QueryRow(ctx, `
SELECT coalesce(string_agg(DISTINCT CASE WHEN l.pid IS NULL THEN 'a prepared transaction'
  ELSE format('%s (pid %s)', coalesce(nullif(a.application_name, ''), a.usename::text, 'a process'), l.pid) END, ', '), '')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = $1 AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.mode = ANY($2)
 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`, oid, modes).Scan(&who)
	if err != nil {
		return "", fmt.Errorf("look who has the partition locked: %w", err)
	}
	return who, nil
}

// writers describes who has written to a partition, or means to, in a transaction that has not ended. Whoever began
// before this was asked and shows up in no later scan is among them.
func writers(ctx context.Context, conn *pgx.Conn, p partition) (string, error) {
	return holders(ctx, conn, p.oid, "RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
}

// users describes who has a partition locked in any way.
func users(ctx context.Context, conn *pgx.Conn, p partition) (string, error) {
	return holders(ctx, conn, p.oid, "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
		"ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
}

// slotBehind describes a logical slot of the database, other than our own, whose reader has not confirmed everything
// before end; empty: there is none. A slot that is just being made, or that ends with its connection, is no relay's.
func slotBehind(ctx context.Context, conn *pgx.Conn, own string, end outbox.LSN) (string, error) {
	var behind string
	err := conn.QueryRow(ctx, `
SELECT coalesce(min(format('slot %s has confirmed %s%s', slot_name, confirmed_flush_lsn, CASE WHEN wal_status = 'lost' THEN ' and is lost' ELSE '' END)), '')
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() AND NOT temporary AND slot_name <> $1 AND confirmed_flush_lsn < $2::text::pg_lsn`,
		own, end.String()).Scan(&behind)
	if err != nil {
		return "", fmt.Errorf("look at the other slots: %w", err)
	}
	return behind, nil
}

// pollEvery is how often something is asked again that is waited for.
const pollEvery = 50 * time.Millisecond

// wait asks until it is so, or limit is over: then it gives false.
func wait(ctx context.Context, limit time.Duration, ask func() (bool, error)) (bool, error) {
	end := time.Now().Add(limit)
	for {
		if is, err := ask(); is || err != nil {
			return is, err
		}
		if time.Now().Add(pollEvery).After(end) {
			return false, nil
		}
		if err := pause.For(ctx, pollEvery); err != nil {
			return false, err
		}
	}
}
