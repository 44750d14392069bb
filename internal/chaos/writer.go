package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// writer is one goroutine with several sessions. Their transactions interleave: each turn goes to a session by lot, and a
// transaction that was begun later often commits first. The keys of open transactions are disjoint, so no turn waits for
// another one's lock.
type writer struct {
	url      string
	rng      *rand.Rand
	ids      io.Reader
	planner  *planner
	keys     []string
	busy     map[string]bool // of open transactions
	sessions []*session
	tally    Tally
}

// session is one connection with at most one open transaction.
type session struct {
	conn *pgx.Conn // nil: to be opened
	gid  string    // of its prepared transaction, unique to the session
	plan *plan     // nil: none
	next int       // step
}

// turn lets one session do one thing. It says whether anything was possible.
func (w *writer) turn(ctx context.Context) error {
	s := w.sessions[w.rng.IntN(len(w.sessions))]
	err := w.advance(ctx, s)
	if err != nil && lost(err) {
		w.tally.Lost++
		s.drop(ctx)
		return nil
	}
	return err
}

// finish carries every open transaction to its end. A session whose connection is lost is opened once more, to settle
// what it has left prepared.
func (w *writer) finish(ctx context.Context) error {
	for _, s := range w.sessions {
		for s.plan != nil {
			err := w.advance(ctx, s)
			if err == nil {
				continue
			}
			if !lost(err) || ctx.Err() != nil {
				return err
			}
			s.drop(ctx)
			time.Sleep(reconnectPause)
		}
	}
	return nil
}

const reconnectPause = 20 * time.Millisecond

func (w *writer) advance(ctx context.Context, s *session) error {
	if s.conn == nil {
		return w.connect(ctx, s)
	}
	if s.plan == nil {
		free := w.free()
		if len(free) == 0 {
			return nil
		}
		return w.begin(ctx, s, w.planner.next(free))
	}
	st := s.plan.steps[s.next]
	s.next++
	if err := w.do(ctx, s, st); err != nil {
		return err
	}
	if s.next == len(s.plan.steps) {
		w.tally.ended(s.plan)
		w.forget(s)
	}
	return nil
}

// connect opens the session's connection and settles what an earlier one may have left prepared. Until then the keys of
// its transaction stay busy: their rows may be locked.
func (w *writer) connect(ctx context.Context, s *session) error {
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		return err
	}
	s.conn = conn
	var prepared bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = $1)", s.gid).Scan(&prepared); err != nil {
		return err
	}
	if prepared {
		if _, err := conn.Exec(ctx, rollbackPrepared.finish(s.gid)); err != nil {
			return err
		}
	}
	w.forget(s)
	return nil
}

func (w *writer) begin(ctx context.Context, s *session, p *plan) error {
	if _, err := s.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	s.plan, s.next = p, 0
	for _, k := range p.keys() {
		w.busy[k] = true
	}
	return nil
}

// forget ends the session's transaction on our side.
func (w *writer) forget(s *session) {
	if s.plan == nil {
		return
	}
	for _, k := range s.plan.keys() {
		delete(w.busy, k)
	}
	s.plan = nil
}

func (w *writer) free() []string {
	var free []string
	for _, k := range w.keys {
		if !w.busy[k] {
			free = append(free, k)
		}
	}
	return free
}

func (w *writer) do(ctx context.Context, s *session, st step) error {
	switch st.kind {
	case insertOne, insertMany, copyIn, emit, message:
		return w.write(ctx, s, st)
	case bulk:
		return w.bulk(ctx, s, st)
	case loose:
		e := w.newEvent(s.plan, st.keys[0], 0, st.kept)
		_, err := s.conn.Exec(ctx, "SELECT pg_logical_emit_message(false, $1, $2::bytea)", messagePrefix, e.frame(fateLoose))
		return err
	case business:
		_, err := s.conn.Exec(ctx, "INSERT INTO chaos.business (tx) VALUES ($1)", s.plan.tx)
		return err
	case wait:
		return nil
	}
	if st.kind == commitPrepared || st.kind == rollbackPrepared {
		if _, err := s.conn.Exec(ctx, "PREPARE TRANSACTION '"+s.gid+"'"); err != nil {
			return err
		}
	}
	_, err := s.conn.Exec(ctx, st.kind.finish(s.gid))
	return err
}

// finish is what ends a transaction, or begins or ends a part of it.
func (k stepKind) finish(gid string) string {
	switch k {
	case savepoint:
		return "SAVEPOINT s"
	case rollbackTo:
		return "ROLLBACK TO SAVEPOINT s"
	case release:
		return "RELEASE SAVEPOINT s"
	case commit:
		return "COMMIT"
	case commitPrepared:
		return "COMMIT PREPARED '" + gid + "'"
	case rollbackPrepared:
		return "ROLLBACK PREPARED '" + gid + "'"
	}
	return "ROLLBACK"
}

func (w *writer) newEvent(p *plan, key string, n int64, kept bool) *event {
	e := &event{
		id: uuid.Must(uuid.NewRandomFromReader(w.ids)), key: key, n: n, tx: p.tx, size: p.size, kept: kept,
		aggregateType: typeOf(key),
	}
	e.fillValue(w.rng)
	return e
}

// lost tells an error that the connection died with its transaction from one that is the workload's fault.
func lost(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code[:2] {
		case "57", "08": // operator intervention, connection exception
			return pg.Code != "57014" // a statement was cancelled
		}
		return false
	}
	return !errors.Is(err, context.Canceled)
}

func (s *session) drop(ctx context.Context) {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel() // no farewell: the connection is dead
	_ = s.conn.Close(ctx)
	s.conn = nil
}

// close ends the session in good order.
func (s *session) close(ctx context.Context) error {
	if s.conn == nil {
		return nil
	}
	if err := s.conn.Close(ctx); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}
