package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// shape is how a backlog came into being.
type shape struct {
	transactions, rows int // rows in each transaction
}

func (s shape) events() int { return s.transactions * s.rows }

// name says it for people.
func (s shape) name() string { return fmt.Sprintf("%s x %s", count(s.transactions), count(s.rows)) }

const (
	// PayloadBytes of each event.
	PayloadBytes = 256
	// aggregates is how many keys there are.
	aggregates = 1000
	// The payload is {"n":"<12 digits>","fill":"xxx"}: the number of the event at a fixed place.
	numberAt, numberLength = 6, 12
)

// payload is the SQL of the payload of event n.
func payload(n string) string {
	const before, between, after = `{"n":"`, `","fill":"`, `"}`
	fill := PayloadBytes - len(before) - numberLength - len(between) - len(after)
	return fmt.Sprintf(`('%s' || lpad((%s)::text, %d, '0') || '%s%s%s')::json`, before, n, numberLength, between, strings.Repeat("x", fill), after)
}

// insert is the SQL that writes event n; from is where n comes from, as a FROM clause or nothing.
func (d *database) insert(n, from string) string {
	return fmt.Sprintf("INSERT INTO %s (aggregate_type, aggregate_id, event_type, payload) SELECT 'bench', 'key-' || (%s) %% %d, 'Benchmark', %s %s",
		d.table(), n, aggregates, payload(n), from)
}

// chunk is how many transactions one statement commits.
const chunk = 20_000

// write commits a backlog. Many transactions are committed inside of one statement, without waiting for the disk.
func (d *database) write(ctx context.Context, s shape) error {
	if s.transactions == 1 {
		return d.exec(ctx, s, d.insert("g", fmt.Sprintf("FROM generate_series(1, %d) g", s.rows)))
	}
	row := d.insert("i", "")
	if s.rows > 1 {
		row = d.insert(fmt.Sprintf("i * %d + g", s.rows), fmt.Sprintf("FROM generate_series(0, %d) g", s.rows-1))
	}
	if err := d.exec(ctx, s, "SET synchronous_commit = off"); err != nil {
		return err
	}
	for from := 1; from <= s.transactions; from += chunk {
		to := min(from+chunk-1, s.transactions)
		if err := d.exec(ctx, s, fmt.Sprintf("DO $$ BEGIN FOR i IN %d..%d LOOP %s; COMMIT; END LOOP; END $$", from, to, row)); err != nil {
			return err
		}
	}
	return d.flush(ctx, s)
}

// flush waits until all that was committed is on disk, for a walsender sends nothing else: a commit of something that is
// not published.
func (d *database) flush(ctx context.Context, s shape) error {
	if err := d.exec(ctx, s, "SET synchronous_commit = on"); err != nil {
		return err
	}
	return d.exec(ctx, s, fmt.Sprintf("COMMENT ON SCHEMA %s IS 'relay bench, %s'", pgx.Identifier{d.names.postgres()}.Sanitize(), s.name()))
}

// exec runs one statement by itself: a DO that commits must not stand in a transaction.
func (d *database) exec(ctx context.Context, s shape, sql string) error {
	if _, err := d.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("write a backlog of %s: %w", s.name(), err)
	}
	return nil
}
