package chaos

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// markKey is the key of events that campaigns write to know how far a relay is.
const markKey = "mark"

// mark commits one event in a transaction of its own.
func (p *Place) mark(ctx context.Context) (id string, err error) {
	conn, err := pgx.Connect(ctx, p.AppURL())
	if err != nil {
		return "", fmt.Errorf("write mark: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.Begin(ctx)
	if err != nil {
		return "", fmt.Errorf("write mark: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	if id, err = insertMark(ctx, tx); err != nil {
		return "", err
	}
	if err := tx.Commit(ctx); err != nil {
		return "", fmt.Errorf("commit mark: %w", err)
	}
	return id, nil
}

// insertMark writes one event in a transaction that has no other.
func insertMark(ctx context.Context, tx pgx.Tx) (id string, err error) {
	e := &event{id: uuid.New(), aggregateType: typeOf(markKey), key: markKey, size: 1, value: []byte(`{"mark": true}`)}
	e.tx = "mark-" + e.id.String()
	if err := tx.QueryRow(ctx, claimNumbers, e.key, 1).Scan(&e.n); err != nil {
		return "", fmt.Errorf("number mark: %w", err)
	}
	return e.id.String(), insertEvents(ctx, tx.Conn(), []*event{e}, fateKept)
}
