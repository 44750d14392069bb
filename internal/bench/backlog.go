package bench

import (
	"context"
	"fmt"
	"strings"
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

// write commits a backlog. The transactions of one statement are committed inside of it.
func (d *database) write(ctx context.Context, s shape) error {
	const chunk = 20_000
	statement := func(from, to int) string {
		return fmt.Sprintf(`SET synchronous_commit = off; DO $$ BEGIN FOR i IN %d..%d LOOP %s; COMMIT; END LOOP; END $$`,
			from, to, d.insert("i", ""))
	}
	switch {
	case s.transactions == 1:
		statement = func(int, int) string { return d.insert("g", fmt.Sprintf("FROM generate_series(1, %d) g", s.rows)) }
	case s.rows > 1:
		statement = func(from, to int) string {
			rows := d.insert(fmt.Sprintf("i * %d + g", s.rows), fmt.Sprintf("FROM generate_series(0, %d) g", s.rows-1))
			return fmt.Sprintf(`SET synchronous_commit = off; DO $$ BEGIN FOR i IN %d..%d LOOP %s; COMMIT; END LOOP; END $$`, from, to, rows)
		}
	}
	for from := 1; from <= s.transactions; from += chunk {
		for _, sql := range strings.SplitAfter(statement(from, min(from+chunk-1, s.transactions)), "off; ") {
			if _, err := d.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				return fmt.Errorf("write a backlog of %s: %w", s.name(), err)
			}
		}
	}
	return d.flush(ctx)
}

// flush waits until all that was committed is on disk: a walsender sends nothing else.
func (d *database) flush(ctx context.Context) error {
	for _, sql := range []string{"SET synchronous_commit = on", "SELECT pg_logical_emit_message(true, 'relay_bench', '')"} {
		if _, err := d.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("flush the WAL: %w", err)
		}
	}
	return nil
}
