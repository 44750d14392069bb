package cleanup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// partition is a weekday of the ring.
type partition struct {
	weekday  weekday
	oid      uint32
	name     string // schema.table, quoted as SQL wants it
	bytes    int64  // with TOAST and all
	pages    int64  // of the table itself; 0: empty
	readable bool   // the role may SELECT
	freeable bool   // the role may TRUNCATE
}

// look is what the catalogue says of the outbox table.
type look struct {
	now   time.Time // the database's clock
	role  string    // quoted as SQL wants it
	bytes int64     // of the table with all its partitions
	ring  []partition
	// schema is set when the role lacks USAGE of it.
	schema string
}

// errNoTable: the table does not exist.
var errNoTable = errors.New("the outbox table does not exist")

// errNoRing: the table is not partitioned as in our migrations.
var errNoRing = errors.New("the outbox table is not a ring of seven partitions, one for each weekday")

// lookAt asks the catalogue for the table's partitions. With errNoRing the rest of the answer holds.
func lookAt(ctx context.Context, conn *pgx.Conn, table uint32) (look, error) {
	var l look
	var lists bool
	err := conn.QueryRow(ctx, `
SELECT clock_timestamp(), quote_ident(current_user), coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(c.oid)), pg_total_relation_size(c.oid))::bigint,
 CASE WHEN has_schema_privilege(c.relnamespace, 'USAGE') THEN '' ELSE c.relnamespace::regnamespace::text END,
 coalesce(p.partstrat = 'l' AND p.partnatts = 1 AND (SELECT attname = 'weekday' FROM pg_attribute WHERE attrelid = c.oid AND attnum = p.partattrs[0])
  AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'created_at' AND atttypid = 'timestamptz'::regtype), false)
FROM pg_class c LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid WHERE c.oid = $1`, table).Scan(&l.now, &l.role, &l.bytes, &l.schema, &lists)
	if errors.Is(err, pgx.ErrNoRows) {
		return l, errNoTable
	}
	if err != nil {
		return l, fmt.Errorf("look at the outbox table: %w", err)
	}
	if !lists {
		return l, errNoRing
	}
	if l.ring, err = partitions(ctx, conn, table); err != nil {
		return l, err
	}
	return l, nil
}

// partitions gives the seven, by weekday.
func partitions(ctx context.Context, conn *pgx.Conn, table uint32) ([]partition, error) {
	answer, err := conn.Query(ctx, `
SELECT c.oid, format('%I.%I', n.nspname, c.relname), coalesce(pg_get_expr(c.relpartbound, c.oid), ''), pg_total_relation_size(c.oid),
 pg_relation_size(c.oid) / current_setting('block_size')::int, has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'TRUNCATE')
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = $1 AND c.relkind = 'r'`, table)
	if err != nil {
		return nil, fmt.Errorf("look at the partitions of the outbox table: %w", err)
	}
	ring := make([]partition, 7)
	found, err := pgx.CollectRows(answer, func(row pgx.CollectableRow) (partition, error) {
		var p partition
		var bound string
		err := row.Scan(&p.oid, &p.name, &bound, &p.bytes, &p.pages, &p.readable, &p.freeable)
		p.weekday = boundWeekday(bound)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("look at the partitions of the outbox table: %w", err)
	}
	for _, p := range found {
		if p.weekday == 0 || ring[p.weekday-1].oid != 0 {
			return nil, errNoRing
		}
		ring[p.weekday-1] = p
	}
	if len(found) != len(ring) {
		return nil, errNoRing
	}
	return ring, nil
}

// boundWeekday reads FOR VALUES IN ('3'); anything else is 0.
func boundWeekday(bound string) weekday {
	value, ok := strings.CutPrefix(bound, "FOR VALUES IN (")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimSuffix(value, ")"), "'"))
	if err != nil || n < 1 || n > 7 {
		return 0
	}
	return weekday(n)
}
