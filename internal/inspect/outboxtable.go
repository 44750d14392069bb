package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/outbox"
)

// outboxTable is the outbox table as the catalogue has it. nil: none is configured, or it does not exist.
type outboxTable struct {
	name    string // schema.table, quoted
	asked   string // as the configuration has it, for people
	columns []outbox.Column
	types   []string // as format_type prints them
	// ring tells the table of our own migrations, whose weekday says on which day a row was created.
	ring bool
}

// table is known after a look.
func (s *Session) table() *outboxTable {
	for _, t := range s.viewer.Tables() {
		if t.OID == 0 {
			continue
		}
		table := &outboxTable{name: pgx.Identifier{t.Schema, t.Name}.Sanitize(), asked: t.Asked}
		for _, c := range t.Columns {
			table.columns = append(table.columns, outbox.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: -1})
			table.types = append(table.types, c.Type)
		}
		table.ring = s.cfg.Relay.Outbox.Format == outbox.FormatRelay && t.RelKind == 'p'
		return table
	}
	return nil
}

// createdAt tells whether rows know when their transaction began.
func (t *outboxTable) createdAt() bool {
	return t.typeOf("created_at") == "timestamp with time zone"
}

// typeOf is a column's type, empty when there is no such column.
func (t *outboxTable) typeOf(column string) string {
	i := slices.IndexFunc(t.columns, func(c outbox.Column) bool { return c.Name == column })
	if i < 0 {
		return ""
	}
	return t.types[i]
}

// Waiting is what the outbox table says of events that are not decided.
type Waiting struct {
	Events int64
	Oldest time.Duration // since the transaction of the oldest began
}

// waitingSince counts the rows whose transactions began after a moment: those of a transaction that began after the
// checkpoint's witness had committed are surely not decided. A transaction that began before and committed after it is
// not counted; it takes a long one.
func (t *outboxTable) waitingSince(ctx context.Context, conn *pgx.Conn, since time.Time) (Waiting, error) {
	sql := "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 FROM " + t.name + " WHERE created_at > $1"
	args := []any{since}
	if days := weekdays(since, time.Now()); t.ring && days != nil {
		sql += " AND weekday = ANY ($2)"
		args = append(args, days)
	}
	var n int64
	var seconds float64
	if err := conn.QueryRow(ctx, sql, args...).Scan(&n, &seconds); err != nil {
		return Waiting{}, fmt.Errorf("count the rows of %s that wait: %w", t.asked, err)
	}
	return Waiting{Events: n, Oldest: max(0, time.Duration(seconds*float64(time.Second)))}, nil
}

// weekdays are the partitions of rows created between two moments, with a day to spare for clocks; nil: all of them.
func weekdays(from, to time.Time) []int16 {
	var days []int16
	for day := from.UTC().AddDate(0, 0, -1); !day.After(to.AddDate(0, 0, 1)); day = day.AddDate(0, 0, 1) {
		if len(days) == 7 {
			return nil
		}
		days = append(days, int16((day.Weekday()+6)%7+1))
	}
	return days
}

// storage is how large the table is and when the oldest row was created.
type storage struct {
	Bytes  int64
	Oldest *time.Time
}

// size adds up the partitions. Rows are only ever appended, so the first one of each partition stands for the oldest: no
// scan is needed.
func (t *outboxTable) size(ctx context.Context, conn *pgx.Conn) (storage, error) {
	var s storage
	rows, err := conn.Query(ctx, `SELECT n.nspname, c.relname, pg_total_relation_size(c.oid), c.relkind = 'r'
		FROM (SELECT relid FROM pg_partition_tree($1::text::regclass) UNION SELECT $1::text::regclass) p -- no rows for a table without partitions
		JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace`, t.name)
	if err != nil {
		return s, fmt.Errorf("ask for the size of %s: %w", t.asked, err)
	}
	leaves, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var schema, name string
		var bytes int64
		var leaf bool
		if err := row.Scan(&schema, &name, &bytes, &leaf); err != nil || !leaf {
			return "", err
		}
		s.Bytes += bytes
		return pgx.Identifier{schema, name}.Sanitize(), nil
	})
	if err != nil {
		return s, fmt.Errorf("ask for the size of %s: %w", t.asked, err)
	}
	if !t.createdAt() {
		return s, nil
	}
	s.Oldest, err = firstRow(ctx, conn, slices.DeleteFunc(leaves, func(name string) bool { return name == "" }))
	return s, err
}

// firstRow is when the oldest of the first rows was created. A scan that joins another one would not begin at the first.
func firstRow(ctx context.Context, conn *pgx.Conn, leaves []string) (*time.Time, error) {
	if _, err := conn.Exec(ctx, "SET synchronize_seqscans = off"); err != nil {
		return nil, fmt.Errorf("prepare to look at the oldest row: %w", err)
	}
	var oldest *time.Time
	for _, leaf := range leaves {
		var at time.Time
		err := conn.QueryRow(ctx, "SELECT created_at FROM "+leaf+" LIMIT 1").Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at the oldest row of %s: %w", leaf, err)
		}
		if oldest == nil || at.Before(*oldest) {
			at = at.UTC()
			oldest = &at
		}
	}
	return oldest, nil
}

const (
	codeInsufficientPrivilege = "42501"
	codeInvalidText           = "22P02"
)

// sqlState is the SQLSTATE of an error, empty for none.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// mayNotRead says what is missing when the role has no right to read the table.
func (t *outboxTable) mayNotRead() string {
	return "the relay's role may not read " + t.asked + ": GRANT SELECT ON " + t.name + " (and USAGE on its schema) to it"
}
