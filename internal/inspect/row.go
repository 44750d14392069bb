package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
)

// row is a row of the outbox table that is visible, so its transaction has committed.
type row struct {
	Partition string // the table or partition that holds it
	XID       uint32
	CreatedAt *time.Time // nil: the table does not tell
	Committed *time.Time // nil: track_commit_timestamp is off
	Occurred  *time.Time
	Same      int        // rows with this id
	values    [][]byte   // as text, in the order of the table's columns
	End       outbox.LSN // the WAL's end after the row was seen: its commit record lies before
	Topic     string     // where the mapping sends it; empty: nowhere
	Bad       error      // why it cannot be published
}

// idColumn is the table's column with the event's id.
func idColumn(cfg outbox.Config) string {
	if cfg.Format == outbox.FormatDebezium {
		return cfg.Debezium.TableFieldEventID
	}
	if name := cfg.Columns["id"]; name != "" {
		return name
	}
	return "id"
}

// find looks for the row of an event; nil when none is visible. The table has no index for that: all of it is read.
func (t *outboxTable) find(ctx context.Context, conn *pgx.Conn, column, id string) (*row, error) {
	typ := t.typeOf(column)
	if typ == "" {
		return nil, fmt.Errorf("look for the event in %s: it has no column %q", t.asked, column)
	}
	rows, err := conn.Query(ctx, t.findQuery(column, typ), pgx.QueryResultFormats{pgx.TextFormatCode}, id)
	if err != nil {
		return nil, t.findTrouble(err, typ, id)
	}
	defer rows.Close()
	var found *row
	for rows.Next() {
		if found != nil {
			found.Same++
			continue
		}
		if found, err = t.read(rows.RawValues()); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, t.findTrouble(err, typ, id)
	}
	if found == nil {
		return nil, nil
	}
	found.End, err = insertEnd(ctx, conn)
	return found, err
}

// atMostRows bounds how many rows with one id are counted.
const atMostRows = 10

func (t *outboxTable) findQuery(column, typ string) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = pgx.Identifier{c.Name}.Sanitize()
	}
	created, occurred := "NULL", "NULL"
	if t.createdAt() {
		created = "extract(epoch FROM created_at)"
	}
	if t.typeOf("occurred_at") == "timestamp with time zone" {
		occurred = "extract(epoch FROM occurred_at)"
	}
	return fmt.Sprintf(`SELECT tableoid::regclass::text, xmin::text, %s, %s,
		CASE WHEN current_setting('track_commit_timestamp')::bool THEN extract(epoch FROM pg_xact_commit_timestamp(xmin)) END, %s
		FROM %s WHERE %s = ($1::text)::%s LIMIT %d`,
		created, occurred, strings.Join(names, ", "), t.name, pgx.Identifier{column}.Sanitize(), typ, atMostRows)
}

func (t *outboxTable) findTrouble(err error, typ, id string) error {
	if sqlState(err) == codeInvalidText {
		return &fault.Error{Code: fault.Usage, Summary: fmt.Sprintf("%.80q is not of type %s, as the ids in %s are", id, typ, t.asked)}
	}
	return fmt.Errorf("look for the event in %s: %w", t.asked, err)
}

func (t *outboxTable) read(cells [][]byte) (*row, error) {
	const own = 5 // columns before those of the table
	if len(cells) != own+len(t.columns) {
		return nil, fmt.Errorf("look for the event in %s: %d columns instead of %d", t.asked, len(cells), own+len(t.columns))
	}
	xid, err := strconv.ParseUint(string(cells[1]), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("look for the event in %s: read xmin: %w", t.asked, err)
	}
	r := &row{
		Partition: string(cells[0]), XID: uint32(xid), Same: 1,
		CreatedAt: epoch(cells[2]), Occurred: epoch(cells[3]), Committed: epoch(cells[4]),
	}
	for _, cell := range cells[own:] {
		r.values = append(r.values, bytes.Clone(cell))
	}
	return r, nil
}

// epoch reads seconds since 1970 with a fraction; nil for NULL.
func epoch(text []byte) *time.Time {
	if text == nil {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil
	}
	at := time.UnixMicro(int64(seconds * 1e6)).UTC()
	return &at
}

// route finds out where the mapping of the configuration sends the row.
func (r *row) route(m *outbox.Mapper, t *outboxTable) {
	plan, err := m.Plan(outbox.Table{Name: t.asked, Columns: slices.Clone(t.columns)})
	if err != nil {
		r.Bad = err
		return
	}
	var batch outbox.Batch
	if err := plan.Map(outbox.Row{Values: r.values}, outbox.Transaction{XID: r.XID}, 0, &batch); err != nil {
		if bad, ok := errors.AsType[*outbox.BadEvent](err); ok {
			r.Topic = bad.Topic
		}
		r.Bad = err
		return
	}
	if batch.Len() > 0 {
		r.Topic = batch.At(0).Topic
	}
}

// earliest is a time before which the event's record cannot have its timestamp: that is occurred_at or the time of the
// commit, or the publish time; with an hour for clocks that differ. Zero: any time.
func (r *row) earliest() time.Time {
	if r == nil || r.CreatedAt == nil {
		return time.Time{}
	}
	at := *r.CreatedAt
	if r.Occurred != nil && r.Occurred.Before(at) {
		at = *r.Occurred
	}
	return at.Add(-time.Hour)
}

// insertEnd is where the next WAL record will begin, on a standby where replay has come to: every transaction that is
// visible has its commit record before. Behind the header of a page no record has begun yet, so it is where the page begins that must be passed.
func insertEnd(ctx context.Context, conn *pgx.Conn) (outbox.LSN, error) {
	var text string
	var block, segment uint64
	err := conn.QueryRow(ctx, `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text,
		current_setting('wal_block_size')::int8, pg_size_bytes(current_setting('wal_segment_size'))`).Scan(&text, &block, &segment)
	if err != nil {
		return 0, fmt.Errorf("ask for the WAL end: %w", err)
	}
	end, err := outbox.ParseLSN(text)
	return pageStart(end, block, segment), err
}

// Sizes of page headers: XLogLongPHD at the start of a segment, XLogShortPHD elsewhere (access/xlog_internal.h).
const (
	longPageHeader  = 40
	shortPageHeader = 24
)

func pageStart(end outbox.LSN, block, segment uint64) outbox.LSN {
	switch {
	case uint64(end)%segment == longPageHeader:
		return end - longPageHeader
	case uint64(end)%block == shortPageHeader && uint64(end)%segment > longPageHeader:
		return end - shortPageHeader
	}
	return end
}
