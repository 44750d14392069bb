package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Application is what an outbox costs the application that writes to it: one event in a transaction that writes a
// business row too, nothing waiting for the disk.
type Application struct {
	Transactions int    `json:"transactions"` // in each round
	Business     Sample `json:"business_row_us"`
	// Writes are the ways to write the event; figures are those of the whole transaction.
	Writes []*Write `json:"writes"`
}

// Write is one way to write an event.
type Write struct {
	Name   string `json:"name"`
	Micros Sample `json:"transaction_us"`
	// CPU is that of the server's process, 0 where it cannot be seen from here.
	CPU Sample `json:"server_cpu_us"`
	// Extra is what the event adds to the transaction, as a multiple of what a plain INSERT adds.
	Extra Sample `json:"extra_of_plain_insert"`

	statements func(n int) []string
}

const (
	// applicationTransactions are those of one round and way.
	applicationTransactions = 20_000
	// polledAtOnce is how many rows a poller marks as published with one UPDATE.
	polledAtOnce = 100
	plainInsert  = "INSERT"
)

func (b *bench) planApplication() []step {
	a := &Application{Transactions: b.scaled(applicationTransactions), Writes: b.db.writes()}
	steps := []step{{"application: making its tables", b.db.createApplication}}
	for round := 1; round <= b.Rounds; round++ {
		steps = append(steps, step{fmt.Sprintf("application, round %d of %d", round, b.Rounds), func(ctx context.Context) error {
			b.result.Application = a
			return b.application(ctx, a)
		}})
	}
	return steps
}

// application measures every way once, one after the other.
func (b *bench) application(ctx context.Context, a *Application) error {
	conn, err := b.db.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off"); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	alone, _, err := b.db.transactions(ctx, conn, a.Transactions, nil)
	if err != nil {
		return err
	}
	a.Business.add(alone)
	var plain float64
	for _, w := range a.Writes {
		micros, cpu, err := b.db.transactions(ctx, conn, a.Transactions, w.statements)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		if w.Name == plainInsert {
			plain = micros - alone
		}
		w.Micros.add(micros)
		w.CPU.add(cpu)
		w.Extra.add(ratio(micros-alone, plain))
	}
	return nil
}

// transactions commits n business rows, each with what statements gives, and tells what one took: microseconds, and
// microseconds of CPU in the server. Each transaction is one round trip with prepared statements, as good clients do it.
func (d *database) transactions(ctx context.Context, conn *pgx.Conn, n int, statements func(n int) []string) (micros, cpu float64, err error) {
	pid := 0
	if d.isHere(ctx, conn) {
		pid = int(conn.PgConn().PID())
	}
	begun, used := time.Now(), cpuOf(pid)
	for i := range n {
		var batch pgx.Batch
		batch.Queue("BEGIN")
		batch.Queue("INSERT INTO "+d.name("business")+" (n, amount) VALUES ($1, $2)", i, i%aggregates)
		if statements != nil {
			for _, sql := range statements(i) {
				batch.Queue(sql, argumentsOf(sql, i)...)
			}
		}
		batch.Queue("COMMIT")
		if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
			return 0, 0, fmt.Errorf("commit a business row: %w", err)
		}
	}
	each := float64(time.Microsecond) * float64(n)
	return float64(time.Since(begun)) / each, float64(cpuOf(pid)-used) / each, nil
}

// argumentsOf is the number of the event where the statement asks for it.
func argumentsOf(sql string, n int) []any {
	if strings.Contains(sql, "$1") {
		return []any{n}
	}
	return nil
}

// isHere tells whether the server's processes can be looked at: it runs on this host.
func (d *database) isHere(ctx context.Context, conn *pgx.Conn) bool {
	var here bool
	err := conn.QueryRow(ctx, "SELECT inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr()").Scan(&here)
	return err == nil && here
}

// createApplication makes a business table, and the outbox of somebody who polls.
func (d *database) createApplication(ctx context.Context) error {
	for _, sql := range []string{
		"CREATE TABLE " + d.name("business") + " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, amount int)",
		"CREATE TABLE " + d.name("polled") + ` (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, aggregate_type text NOT NULL,
			aggregate_id text NOT NULL, event_type text NOT NULL, payload json, created_at timestamptz NOT NULL DEFAULT now(), published_at timestamptz)`,
		"CREATE INDEX ON " + d.name("polled") + " (id) WHERE published_at IS NULL",
	} {
		if _, err := d.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the tables of an application: %w", err)
		}
	}
	return nil
}

// writes are the ways to write an event.
func (d *database) writes() []*Write {
	one := func(sql string) func(int) []string { return func(int) []string { return []string{sql} } }
	values := fmt.Sprintf("'bench', 'key-' || ($1::int) %% %d, 'Benchmark', %s", aggregates, payload("$1::int"))
	frame := fmt.Sprintf(`'{"v":1,"id":"' || gen_random_uuid() || '","aggregate_type":"bench","aggregate_id":"key-' || ($1::int) %% %d || '","event_type":"Benchmark"}' || chr(10) || %s`,
		aggregates, payload("$1::int"))
	poll := "INSERT INTO " + d.name("polled") + " (aggregate_type, aggregate_id, event_type, payload) SELECT " + values
	mark := "UPDATE " + d.name("polled") + fmt.Sprintf(" SET published_at = now() WHERE id IN (SELECT id FROM %s WHERE published_at IS NULL ORDER BY id LIMIT %d FOR UPDATE SKIP LOCKED)",
		d.name("polled"), polledAtOnce)
	return []*Write{
		{Name: plainInsert, statements: one("INSERT INTO " + d.table() + " (aggregate_type, aggregate_id, event_type, payload) SELECT " + values)},
		{Name: "emit()", statements: one("SELECT " + d.name("emit") + "(" + values + ")")},
		{Name: "WAL message", statements: one("SELECT pg_logical_emit_message(true, 'relay-bench', " + frame + ")")},
		{Name: "INSERT into a table that is polled, and its UPDATE", statements: func(n int) []string {
			if n%polledAtOnce == polledAtOnce-1 {
				return []string{poll, mark}
			}
			return []string{poll}
		}},
	}
}

// name is that of a thing in the schema of the benchmark.
func (d *database) name(of string) string { return pgx.Identifier{d.names.postgres(), of}.Sanitize() }
