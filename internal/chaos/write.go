package chaos

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// write carries out a step that writes an event for each of its keys.
func (w *writer) write(ctx context.Context, s *session, st step) error {
	events, err := w.number(ctx, s, st)
	if err != nil {
		return err
	}
	fate := s.plan.fate(st)
	switch st.kind {
	case copyIn:
		return copyEvents(ctx, s.conn, events, fate)
	case emit:
		return emitEvent(ctx, s.conn, events[0], fate)
	case message:
		return emitMessage(ctx, s.conn, events[0], fate)
	}
	return insertEvents(ctx, s.conn, events, fate)
}

func (p *plan) fate(st step) string {
	switch {
	case !st.kept:
		return fateUndone
	case !p.commits():
		return fateRolledBack
	}
	return fateKept
}

// number makes the events of a step. The numbers come from the database: they are taken back with the transaction, and
// whoever holds the row of a key is the next to commit an event of it.
func (w *writer) number(ctx context.Context, s *session, st step) ([]*event, error) {
	events := make([]*event, len(st.keys))
	var batch pgx.Batch
	for i, key := range st.keys {
		batch.Queue(claimNumbers, key, 1).QueryRow(func(row pgx.Row) error {
			var n int64
			if err := row.Scan(&n); err != nil {
				return err
			}
			events[i] = w.newEvent(s.plan, key, n, st.kept)
			return nil
		})
	}
	if err := s.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("claim numbers: %w", err)
	}
	return events, nil
}

// claimNumbers takes the next $2 numbers of key $1 and gives the last of them.
const claimNumbers = `
	INSERT INTO chaos.counter AS c (key, n) VALUES ($1, $2)
	ON CONFLICT (key) DO UPDATE SET n = c.n + excluded.n RETURNING n`

func insertEvents(ctx context.Context, conn *pgx.Conn, events []*event, fate string) error {
	n := len(events)
	ids, types, keys, headers := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]string, n)
	payloads, bytes := make([]*string, n), make([][]byte, n)
	for i, e := range events {
		ids[i], types[i], keys[i], headers[i] = e.id, e.aggregateType, e.key, e.headers(fate)
		payloads[i], bytes[i] = e.payload(), e.payloadBytes()
	}
	_, err := conn.Exec(ctx, `
		INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type, payload, payload_bytes, headers)
		SELECT id, type, key, 'Changed', payload::json, bytes, headers::jsonb
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[]) AS e (id, type, key, payload, bytes, headers)`,
		ids, types, keys, payloads, bytes, headers)
	if err != nil {
		return fmt.Errorf("insert %d events: %w", n, err)
	}
	return nil
}

func copyEvents(ctx context.Context, conn *pgx.Conn, events []*event, fate string) error {
	rows := pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
		e := events[i]
		return []any{e.id, e.aggregateType, e.key, "Changed", e.payload(), e.payloadBytes(), e.headers(fate)}, nil
	})
	columns := []string{"id", "aggregate_type", "aggregate_id", "event_type", "payload", "payload_bytes", "headers"}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"outbox", "event"}, columns, rows); err != nil {
		return fmt.Errorf("copy %d events: %w", len(events), err)
	}
	return nil
}

func emitEvent(ctx context.Context, conn *pgx.Conn, e *event, fate string) error {
	_, err := conn.Exec(ctx, `SELECT outbox.emit($1, $2, 'Changed', $3::text::json, $4::text::jsonb, payload_bytes => $5, id => $6)`,
		e.aggregateType, e.key, e.payload(), e.headers(fate), e.payloadBytes(), e.id)
	if err != nil {
		return fmt.Errorf("emit event: %w", err)
	}
	return nil
}

// emitMessage also notes what it emits in a table, which is what the oracle compares with.
func emitMessage(ctx context.Context, conn *pgx.Conn, e *event, fate string) error {
	_, err := conn.Exec(ctx, `INSERT INTO chaos.message (id, aggregate_type, aggregate_id, value, headers) VALUES ($1, $2, $3, $4, $5::text::jsonb)`,
		e.id, e.aggregateType, e.key, e.value, e.headers(fate))
	if err == nil {
		_, err = conn.Exec(ctx, "SELECT pg_logical_emit_message(true, $1, $2::bytea)", messagePrefix, e.frame(fate))
	}
	if err != nil {
		return fmt.Errorf("emit message: %w", err)
	}
	return nil
}

// bulk writes many rows with one statement, spread over the step's keys.
func (w *writer) bulk(ctx context.Context, s *session, st step) error {
	each := st.rows / len(st.keys)
	before, types := make([]int64, len(st.keys)), make([]string, len(st.keys))
	for i, key := range st.keys {
		types[i] = typeOf(key)
		if err := s.conn.QueryRow(ctx, claimNumbers, key, each).Scan(&before[i]); err != nil {
			return fmt.Errorf("claim numbers: %w", err)
		}
		before[i] -= int64(each)
	}
	_, err := s.conn.Exec(ctx, `
		INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type, payload, headers)
		SELECT gen_random_uuid(), ($1::text[])[slot], ($2::text[])[slot], 'Changed', json_build_object('tx', $4::text, 'n', n, 'pad', repeat('x', 100)),
			jsonb_build_object('tx', $4::text, 'n', n::text, 'size', $5::text, 'fate', $6::text)
		FROM generate_series(0, $7::int - 1) AS i,
			LATERAL (SELECT 1 + i % $8::int AS slot) AS s, LATERAL (SELECT ($3::bigint[])[slot] + i / $8::int + 1 AS n) AS t
		ORDER BY i`,
		types, st.keys, before, s.plan.tx, strconv.Itoa(s.plan.size), s.plan.fate(st), st.rows, len(st.keys))
	if err != nil {
		return fmt.Errorf("insert %d events: %w", st.rows, err)
	}
	return nil
}
