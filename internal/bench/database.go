package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

// database is the outbox that events are written to: schema, publication and slots of a benchmark.
type database struct {
	source config.Source
	names  names
	conn   *pgx.Conn
	major  int
}

func openDatabase(ctx context.Context, source config.Source, n names) (*database, error) {
	d := &database{source: source, names: n}
	var err error
	if d.conn, err = d.connect(ctx); err != nil {
		return nil, err
	}
	var version int
	if err := d.conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return nil, errors.Join(fmt.Errorf("ask Postgres for its version: %w", err), d.close())
	}
	d.major = version / 10000
	return d, nil
}

// connect opens a connection as the relay does.
func (d *database) connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(d.source.URL)
	if err != nil {
		return nil, &fault.Error{Code: fault.Config, Summary: "source.url cannot be parsed"} // the cause may show the password
	}
	if d.source.PasswordFile != "" {
		if c.Password, err = d.source.Password(); err != nil {
			return nil, err
		}
	}
	c.RuntimeParams["application_name"] = "relay-bench"
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		// A backlog of a million rows would be written to its end by a server that is not told to stop.
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, &fault.Error{
			Code: fault.PostgresUnreachable, Summary: "reach Postgres", Err: err,
			Hint: "Check source.url: host, port, database, user and sslmode.",
		}
	}
	return conn, nil
}

func (d *database) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return d.conn.Close(ctx)
}

// create makes schema, table and publication, as users do.
func (d *database) create(ctx context.Context) error {
	sql, err := migrations.Print(migrations.Options{Schema: d.names.postgres(), Publication: d.names.postgres()}, "outbox")
	if err != nil {
		return err
	}
	if _, err := d.conn.PgConn().Exec(ctx, "BEGIN;\n"+sql+"\nCOMMIT;").ReadAll(); err != nil {
		return fmt.Errorf("create the outbox of the benchmark: %w", err)
	}
	return nil
}

// markBase makes the base slot: a backlog begins here. The one before is dropped, and with it the WAL that it kept.
func (d *database) markBase(ctx context.Context) error {
	if err := d.dropSlot(ctx, d.names.base()); err != nil {
		return err
	}
	_, err := d.createSlot(ctx, d.names.base())
	return err
}

// copyBase makes the slot of a run that begins where the base does, and tells where that is.
func (d *database) copyBase(ctx context.Context) (outbox.LSN, error) {
	return d.makeSlot(ctx, d.names.slot(), "SELECT pg_copy_logical_replication_slot($2, $1)", d.names.base())
}

// createSlot makes a slot that begins now, and tells where that is.
func (d *database) createSlot(ctx context.Context, slot string) (outbox.LSN, error) {
	return d.makeSlot(ctx, slot, "SELECT pg_create_logical_replication_slot($1, $2)", "pgoutput")
}

func (d *database) makeSlot(ctx context.Context, slot, sql, arg string) (outbox.LSN, error) {
	if _, err := d.conn.Exec(ctx, sql, slot, arg); err != nil {
		return 0, fmt.Errorf("make replication slot: %w", err)
	}
	var at string
	err := d.conn.QueryRow(ctx, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&at)
	if err != nil {
		return 0, fmt.Errorf("look at replication slot: %w", err)
	}
	return outbox.ParseLSN(at)
}

const (
	dropPatience = 15 * time.Second
	dropEvery    = 10 * time.Millisecond
)

// dropSlot drops a slot of ours if it is there. Its reader has ended, but the server may need a moment to see that.
func (d *database) dropSlot(ctx context.Context, slot string) error {
	ctx, cancel := context.WithTimeout(ctx, dropPatience)
	defer cancel()
	for {
		_, err := d.conn.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1`, slot)
		if err == nil {
			return nil
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "55006" { // object_in_use
			return fmt.Errorf("drop replication slot %s: %w", slot, err)
		}
		select {
		case <-time.After(dropEvery):
		case <-ctx.Done():
			return fmt.Errorf("drop replication slot %s: %w", slot, err)
		}
	}
}

// truncate empties the outbox: what is to be measured is in the WAL.
func (d *database) truncate(ctx context.Context) error {
	if _, err := d.conn.Exec(ctx, "TRUNCATE "+d.table()); err != nil {
		return fmt.Errorf("empty the outbox: %w", err)
	}
	return nil
}

func (d *database) table() string { return d.name("event") }

// walEnd is the end of the WAL that is on disk.
func (d *database) walEnd(ctx context.Context) (outbox.LSN, error) {
	var text string
	if err := d.conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&text); err != nil {
		return 0, fmt.Errorf("ask for the end of the WAL: %w", err)
	}
	return outbox.ParseLSN(text)
}

// slots are those of our names.
func (d *database) slots(ctx context.Context) ([]string, error) {
	rows, err := d.conn.Query(ctx, "SELECT slot_name FROM pg_replication_slots WHERE starts_with(slot_name, $1) ORDER BY 1", d.names.postgres())
	if err != nil {
		return nil, fmt.Errorf("list replication slots: %w", err)
	}
	slots, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list replication slots: %w", err)
	}
	return slots, nil
}

// remove takes away everything that create and the runs have made. A connection of its own: that of the benchmark may
// have been cut off in the middle of something.
func (d *database) remove(ctx context.Context) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	_ = d.close()
	d.conn = conn
	slots, err := d.slots(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, slot := range slots {
		errs = append(errs, d.dropSlot(ctx, slot))
	}
	name := pgx.Identifier{d.names.postgres()}.Sanitize()
	for _, sql := range []string{"DROP PUBLICATION IF EXISTS " + name, "DROP SCHEMA IF EXISTS " + name + " CASCADE"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", sql, err))
		}
	}
	return errors.Join(errs...)
}
