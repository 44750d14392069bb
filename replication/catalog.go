package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
)

// Catalog asks the catalogue, over a replication connection or an ordinary one: the same text, in the simple protocol,
// which is all that a replication connection speaks. Every name is qualified or pinned to pg_catalog by the session.
type Catalog struct {
	pg      *pgconn.PgConn
	version int // server_version_num
}

// ask finds out which server answers.
func (c *Catalog) ask(ctx context.Context) (server, error) {
	rows, err := c.query(ctx, `SELECT current_setting('server_version_num'), system_identifier, pg_postmaster_start_time() FROM pg_control_system()`)
	if err != nil {
		return server{}, err
	}
	if len(rows[0]) != 1 {
		return server{}, fmt.Errorf("%d rows instead of one", len(rows[0]))
	}
	r := rows[0][0]
	s := server{version: int(r.uint32()), systemID: r.text(), started: r.text()}
	c.version = s.version
	return s, r.err()
}

// query runs one or several statements and returns the rows of each.
func (c *Catalog) query(ctx context.Context, sql string) ([][]*row, error) {
	results, err := c.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	tables := make([][]*row, 0, len(results))
	for _, result := range results {
		rows := make([]*row, 0, len(result.Rows))
		for _, cells := range result.Rows {
			rows = append(rows, &row{cells: cells})
		}
		tables = append(tables, rows)
	}
	return tables, nil
}

// row reads the columns of a result in order. The first one that is not what was expected is remembered.
type row struct {
	cells  [][]byte
	at     int
	failed error
}

func (r *row) err() error {
	if r.failed == nil && r.at != len(r.cells) {
		return fmt.Errorf("read row: %d columns instead of %d", len(r.cells), r.at)
	}
	return r.failed
}

// cell is the next column as text; ok is false when it is NULL.
func (r *row) cell() (text string, ok bool) {
	if r.at >= len(r.cells) {
		r.at++
		r.failed = fmt.Errorf("read row: %d columns instead of %d or more", len(r.cells), r.at)
		return "", false
	}
	cell := r.cells[r.at]
	r.at++
	return string(cell), cell != nil
}

// text reads a string; NULL is empty.
func (r *row) text() string {
	text, _ := r.cell()
	return text
}

// uint32 reads an OID, process id or transaction id; NULL is 0.
func (r *row) uint32() uint32 { return uint32(parse(r, 0, parseUint32)) }

// lsn reads an LSN; NULL is 0.
func (r *row) lsn() LSN { return parse(r, 0, pglogrepl.ParseLSN) }

// bool reads a boolean; NULL is false.
func (r *row) bool() bool { return r.text() == "t" }

// int64 reads a number and whether it was there at all.
func (r *row) int64() (int64, bool) {
	text, ok := r.cell()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	r.note(err)
	return n, true
}

// json reads a JSON value into v.
func (r *row) json(v any) {
	if text, ok := r.cell(); ok {
		r.note(json.Unmarshal([]byte(text), v))
	}
}

func (r *row) note(err error) {
	if err != nil && r.failed == nil {
		r.failed = fmt.Errorf("read column %d: %w", r.at, err)
	}
}

func parse[T any](r *row, null T, read func(string) (T, error)) T {
	text, ok := r.cell()
	if !ok {
		return null
	}
	v, err := read(text)
	r.note(err)
	return v
}

func parseUint32(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
