package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// outboxEvery is how often the size of the outbox tables is asked for.
const outboxEvery = 30 * time.Second

// boundLook keeps a look at a table that somebody has locked, or whose first rows are dead, from holding up the watcher,
// whose other work is to notice what endangers events.
const boundLook = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '500ms'"

// lookAtOutbox tells the status how large the outbox tables are and how old their oldest rows. It is for people only: what
// cannot be found out ends no session.
func (w *watcher) lookAtOutbox(ctx context.Context) {
	s := w.session
	partitions, err := s.outboxPartitions(ctx)
	if err != nil {
		s.log.Debug("outbox tables not looked at", keyError, err)
		return
	}
	s.cfg.Status.OutboxSeen(partitions)
}

// outboxPartitions are the outbox tables, partition by partition.
func (s *session) outboxPartitions(ctx context.Context) ([]status.Partition, error) {
	tx, err := s.side.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("look at the outbox: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, boundLook); err != nil {
		return nil, fmt.Errorf("look at the outbox: %w", err)
	}
	var all []status.Partition
	for _, t := range s.tables {
		leaves, err := leaves(ctx, tx, pgx.Identifier{t.Schema, t.Name})
		if err != nil {
			return nil, err
		}
		all = append(all, leaves...)
	}
	if s.cfg.Outbox.Format != outbox.FormatRelay {
		return all, nil // of other tables we do not know which column tells the age, or whether rows are deleted
	}
	for i := range all {
		if err := oldestRow(ctx, tx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// leaves are the partitions of a table, or the table itself when it has none.
func leaves(ctx context.Context, tx pgx.Tx, table pgx.Identifier) ([]status.Partition, error) {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid)
		FROM (SELECT relid FROM pg_partition_tree($1::text::regclass) UNION SELECT $1::text::regclass) tree
		JOIN pg_class c ON c.oid = tree.relid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' ORDER BY c.relname`, table.Sanitize())
	if err != nil {
		return nil, fmt.Errorf("ask for the size of the outbox: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p status.Partition, err error) {
		var bytes int64
		err = row.Scan(&p.Name, &bytes)
		p.Bytes = uint64(max(0, bytes))
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the size of the outbox: %w", err)
	}
	return found, nil
}

// oldestRow looks at the first row of a partition of our own table: rows are only appended, and emptied all at once.
func oldestRow(ctx context.Context, tx pgx.Tx, p *status.Partition) error {
	rows, err := tx.Query(ctx, "SELECT created_at FROM "+p.Name+" LIMIT 1")
	if err != nil {
		return fmt.Errorf("ask for the oldest row of %s: %w", p.Name, err)
	}
	times, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("ask for the oldest row of %s: %w", p.Name, err)
	}
	if len(times) > 0 {
		oldest := times[0].UTC()
		p.Oldest = &oldest
	}
	return nil
}
