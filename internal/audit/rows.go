package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/outbox"
)

// rows reads outbox tables and makes of each row the record that Relay would publish, by the relay's own mapping: values
// come in the text form of the stream.
type rows struct {
	conn   *pgx.Conn // with the settings that the replication stream pins
	mapper *outbox.Mapper
	tables []outbox.Table
	names  headerNames
	places *places
	since  time.Time // zero: all rows are asked for

	snapshot string // an exported one; "": that of the first statement

	batch  outbox.Batch
	record outbox.Record
}

// row is one row as it is read.
type row struct {
	entry
	id     []byte // borrowed
	micros int64  // when it was written, microseconds since the Unix epoch; 0: the table does not say
}

// moment is when the rows were read.
type moment struct {
	// before: the end of the WAL before the snapshot was taken. A commit before it that the snapshot does not show had not
	// ended yet.
	before outbox.LSN
	// behind: everything that the snapshot shows has committed before this place.
	behind outbox.LSN
}

// read gives all rows as of one snapshot.
func (r *rows) read(ctx context.Context, take func(*row) error) (moment, error) {
	var m moment
	var err error
	if m.before, err = r.walEnd(ctx); err != nil {
		return m, err
	}
	begin := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
	if r.snapshot != "" {
		begin += "SET TRANSACTION SNAPSHOT '" + r.snapshot + "'; "
	}
	if _, err = r.conn.Exec(ctx, begin+"SET LOCAL statement_timeout = 0"); err != nil {
		return m, ofPostgres(fmt.Errorf("begin to read the outbox: %w", err))
	}
	// The first statement takes the snapshot, and has it when its function runs.
	if m.behind, err = r.walEnd(ctx); err == nil {
		for _, t := range r.tables {
			if err = r.table(ctx, t, take); err != nil {
				break
			}
		}
	}
	// A table that is read holds up whoever truncates it, and then those who insert: let it go at once.
	_, end := r.conn.Exec(ctx, "ROLLBACK")
	return m, cmp.Or(err, end)
}

// Datable tells whether rows of the table say when they were written.
func Datable(t outbox.Table) bool { return slices.ContainsFunc(t.Columns, tellsAge) }

func tellsAge(c outbox.Column) bool {
	return c.Name == created && (c.TypeOID == oidTimestamptz || c.TypeOID == oidTimestamp)
}

// walEnd is where the next WAL record begins. At the beginning of a page that is said to be behind the page's header; no
// record can begin within it, so a commit that ended with the page before lies before the page.
func (r *rows) walEnd(ctx context.Context) (outbox.LSN, error) {
	var end, page string
	row := r.conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text, current_setting('wal_block_size')")
	if err := row.Scan(&end, &page); err != nil {
		return 0, ofPostgres(fmt.Errorf("ask for the end of the WAL: %w", err))
	}
	lsn, err := outbox.ParseLSN(end)
	size, err2 := strconv.ParseUint(page, 10, 64)
	if err = errors.Join(err, err2); err != nil || size == 0 {
		return 0, fmt.Errorf("read the end of the WAL: %w", err)
	}
	const longestHeader = 40
	if into := uint64(lsn) % size; into <= longestHeader {
		lsn -= outbox.LSN(into)
	}
	return lsn, nil
}

// table reads one table in the simple protocol: text, row by row, never all of it in memory.
func (r *rows) table(ctx context.Context, t outbox.Table, take func(*row) error) error {
	plan, err := r.mapper.Plan(t)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	results := r.conn.PgConn().Exec(ctx, selectRows(t))
	if results.NextResult() {
		reader := results.ResultReader()
		for err == nil && reader.NextRow() {
			err = r.row(plan, reader.Values(), take)
		}
		if err != nil {
			_ = r.conn.PgConn().Close(ctx) // the rest is of no use
			return fmt.Errorf("read table %s.%s: %w", t.Schema, t.Name, err)
		}
		_, _ = reader.Close() // its error is that of results
	}
	if err := results.Close(); err != nil {
		return ofPostgres(fmt.Errorf("read table %s.%s: %w", t.Schema, t.Name, err))
	}
	return nil
}

func ofPostgres(err error) error { return &SourceError{Postgres: true, Err: err} }

// created is the column that tells when a row was written, where there is one: Relay's own table has it.
const created = "created_at"

const (
	oidTimestamp   = 1114
	oidTimestamptz = 1184
)

func selectRows(t outbox.Table) string {
	age := "NULL"
	var columns strings.Builder
	for _, c := range t.Columns {
		if tellsAge(c) {
			age = "floor(extract(epoch FROM " + created + ") * 1000000)::int8"
		}
		columns.WriteString(", " + pgx.Identifier{c.Name}.Sanitize())
	}
	return "SELECT xmin, " + age + columns.String() + " FROM " + pgx.Identifier{t.Schema, t.Name}.Sanitize()
}

// row maps one row.
func (r *rows) row(plan *outbox.Plan, values [][]byte, take func(*row) error) error {
	xid, err := strconv.ParseUint(string(values[0]), 10, 32)
	if err != nil {
		return fmt.Errorf("read xmin: %w", err)
	}
	out := row{entry: entry{kind: kindRow, xid: uint32(xid), asked: true}}
	if values[1] != nil {
		if out.micros, err = strconv.ParseInt(string(values[1]), 10, 64); err != nil {
			return fmt.Errorf("read %s: %w", created, err)
		}
		out.created = out.micros / 1000
		out.asked = out.created >= r.since.UnixMilli()
	}
	r.batch.Reset()
	err = plan.Map(outbox.Row{Values: values[2:]}, outbox.Transaction{XID: out.xid, CommitTime: out.micros}, 0, &r.batch)
	if bad, ok := errors.AsType[*outbox.BadEvent](err); ok {
		out.bad, out.topic, out.id = true, r.places.topic(bad.Topic), []byte(bad.ID)
		return take(&out)
	}
	if err != nil {
		return err
	}
	e := &r.record
	r.batch.Read(0, e)
	out.id, out.topic = e.ID, r.places.topic(e.Topic)
	out.content = contentOf(e.Key, e.Value, e.Topic, e.Headers, r.names.transaction)
	return take(&out)
}
