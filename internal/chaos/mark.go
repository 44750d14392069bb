package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
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
	if id, err = insertMark(ctx, tx, markKey); err != nil {
		return "", err
	}
	if err := tx.Commit(ctx); err != nil {
		return "", fmt.Errorf("commit mark: %w", err)
	}
	return id, nil
}

// insertMark writes one event in a transaction that has no other.
func insertMark(ctx context.Context, tx pgx.Tx, key string) (id string, err error) {
	e := &event{id: uuid.New(), aggregateType: typeOf(key), key: key, size: 1, value: []byte(`{"mark": true}`)}
	e.tx = "mark-" + e.id.String()
	if err := tx.QueryRow(ctx, claimNumbers, e.key, 1).Scan(&e.n); err != nil {
		return "", fmt.Errorf("number mark: %w", err)
	}
	return e.id.String(), insertEvents(ctx, tx.Conn(), []*event{e}, fateKept)
}

// linger commits events in transactions that stay open for long, one after the other, until ctx is done. Those that a
// fault ends are left: the database says what became of them.
func (p *Place) linger(ctx context.Context, d time.Duration) {
	for ctx.Err() == nil {
		if err := p.lingerOnce(ctx, d); err != nil {
			_ = pause.For(ctx, readEvery) // the server is away
		}
	}
}

func (p *Place) lingerOnce(ctx context.Context, d time.Duration) error {
	conn, err := pgx.Connect(ctx, p.AppURL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := insertMark(ctx, tx, "lingering"); err != nil {
		return err
	}
	if err := pause.For(ctx, d); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// fill commits one transaction of so many events, spread over three keys.
func (p *Place) fill(ctx context.Context, rows int) error {
	w := Workload{Writers: 1, Sessions: 1, Keys: 3, Seed: 1}.withDefaults().writer(p, 0)
	large := &plan{tx: "large", steps: []step{{kind: bulk, keys: w.keys, rows: rows / 3 * 3, kept: true}, {kind: commit, kept: true}}}
	large.size = size(large.steps)
	s := w.sessions[0]
	if err := w.connect(ctx, s); err != nil {
		return fmt.Errorf("write large transaction: %w", err)
	}
	if err := w.begin(ctx, s, large); err != nil {
		return fmt.Errorf("write large transaction: %w", err)
	}
	return errors.Join(w.finish(ctx), s.close(ctx))
}
