package cleanup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
)

// Config is what a Cleaner needs to know.
type Config struct {
	// Enabled frees weekdays; without it the table is only looked at, for the status.
	Enabled bool
	Table   uint32 // OID of the outbox table
	Name    string // schema.table, for people
	Slot    string // our own
	// Keep is how old the youngest row of a weekday is when it is freed, at least; 24h to 144h, of which the last hour does
	// not count.
	Keep time.Duration
	// LockTimeout is how long a lock is waited for and held, in all. Longer copes with slower checkpoints; an application
	// that writes to an old weekday in that moment waits as long.
	LockTimeout time.Duration
	// Since is when the relay began, by the database's clock: what was created before may not be in Kafka.
	Since time.Time
	// Connect opens an ordinary connection to the server of the slot.
	Connect  func(context.Context) (*pgx.Conn, error)
	Progress Progress
	Every    time.Duration // between two looks; default 1 minute
	Retry    time.Duration // of a weekday that was due and kept, doubled each time, 32 times as long at most; default 1 minute
	Patience time.Duration // for the checkpoint and other slots before any lock; default 30 s
	Now      func() time.Time
	Logger   *slog.Logger
	Status   *status.Tracker
}

// Cleaner looks at the outbox table every minute and frees what is old. It has a connection of its own.
type Cleaner struct {
	cfg   Config
	log   *slog.Logger
	conn  *pgx.Conn
	plans map[weekday]plan
	said  map[string]string // what was said last, by topic: each is said once
	at    func(stage)
}

// plan is what becomes of a weekday that was tried and stays.
type plan struct {
	kept  *kept
	again time.Time
	delay time.Duration
}

// New makes a Cleaner for one session.
func New(cfg Config) *Cleaner {
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Retry == 0 {
		cfg.Retry = time.Minute
	}
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Cleaner{
		cfg: cfg, log: cfg.Logger.With("table", cfg.Name), plans: map[weekday]plan{}, said: map[string]string{}, at: func(stage) {},
	}
}

// Run looks and frees until ctx is cancelled. A failure ends nothing: it is logged, and the next look is another try.
func (c *Cleaner) Run(ctx context.Context) {
	defer c.disconnect(ctx)
	for {
		err := c.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.disconnect(ctx)
			c.once("trouble", err.Error(), func() { c.log.Warn("outbox clean-up did not get through", "error", err) })
		} else {
			delete(c.said, "trouble")
		}
		if pause.For(ctx, c.cfg.Every) != nil {
			return
		}
	}
}

// round is one look at all weekdays.
func (c *Cleaner) round(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	l, err := lookAt(ctx, conn, c.cfg.Table)
	switch {
	case errors.Is(err, errNoRing):
		if c.cfg.Enabled {
			c.once("ring", "none", func() { c.log.Warn("outbox clean-up is off", "reason", err) })
		}
		c.cfg.Status.OutboxSeen([]status.Partition{{Name: c.cfg.Name, Bytes: uint64(l.bytes)}})
		return nil
	case err != nil:
		return err
	}
	now := earlier(l.now, c.cfg.Now())
	if c.cfg.Enabled {
		if grant := missingGrant(l); grant != "" {
			c.once("grant", grant, func() { c.log.Warn("outbox clean-up lacks a right", "grant", grant) })
		}
		for i := range l.ring {
			if err := c.visit(ctx, conn, &l, &l.ring[i], now); err != nil {
				return err
			}
		}
	}
	return c.show(ctx, conn, &l, now)
}

// visit tries a weekday if it is time to, and plans when to try again.
func (c *Cleaner) visit(ctx context.Context, conn *pgx.Conn, l *look, p *partition, now time.Time) error {
	before := c.plans[p.weekday]
	if p.pages == 0 || p.weekday.inUse(l.now) {
		delete(c.plans, p.weekday)
		return nil
	}
	if p.weekday.due(now, c.cfg.Keep).After(now) || before.again.After(now) {
		return nil
	}
	begun := time.Now()
	found, why, err := c.attempt(ctx, conn, *p, now)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		c.postpone(ctx, p, keep(keptError, "%v", err), now)
		return fmt.Errorf("free %s: %w", p.name, err)
	}
	if why != nil {
		c.postpone(ctx, p, why, now)
		return nil
	}
	c.freed(p, found, time.Since(begun))
	return nil
}

func (c *Cleaner) freed(p *partition, r rows, took time.Duration) {
	delete(c.plans, p.weekday)
	delete(c.said, p.name)
	c.cfg.Status.Truncated(uint64(p.bytes))
	c.log.Info("outbox weekday truncated", "partition", p.name, "rows", r.count, "bytes", p.bytes,
		"oldest", stamp(r.oldest), "youngest", stamp(r.youngest), "took", took.Round(time.Millisecond))
	p.bytes, p.pages = 0, 0
}

// postpone keeps a weekday until it can be otherwise, or for longer each time.
func (c *Cleaner) postpone(ctx context.Context, p *partition, why *kept, now time.Time) {
	pl := plan{kept: why, delay: backoff(c.plans[p.weekday].delay, c.cfg.Retry), again: why.again}
	if pl.again.IsZero() {
		pl.again = now.Add(pl.delay)
	}
	c.plans[p.weekday] = pl
	level := slog.LevelInfo
	if why.needsPerson() {
		level = slog.LevelWarn
	}
	c.once(p.name, string(why.reason), func() {
		c.log.Log(ctx, level, "outbox weekday kept", "partition", p.name, "reason", string(why.reason), "detail", why.detail, "again", stamp(pl.again))
	})
}

// once says something unless it was said last about the same.
func (c *Cleaner) once(about, what string, say func()) {
	if c.said[about] != what {
		c.said[about] = what
		say()
	}
}

func (c *Cleaner) policy() policy { return policy{keep: c.cfg.Keep, since: c.cfg.Since} }

// connect gives the connection, a new one if the last was lost.
func (c *Cleaner) connect(ctx context.Context) (*pgx.Conn, error) {
	if c.conn != nil && !c.conn.IsClosed() {
		return c.conn, nil
	}
	conn, err := c.cfg.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	// A scan begins with the first page, on one core; nothing waits for a lock for longer than the application would. Rows
	// that a policy hides from the role are no reason to truncate them: with row_security off the scan is an error.
	_, err = conn.PgConn().Exec(ctx, fmt.Sprintf(`SET row_security = off; SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET jit = off;
SET statement_timeout = 0; SET lock_timeout = %d`, c.cfg.LockTimeout.Milliseconds())).ReadAll()
	if err != nil {
		c.disconnect(ctx)
		return nil, fmt.Errorf("prepare the connection: %w", err)
	}
	return conn, nil
}

// disconnect gives up the connection; the server rolls back what is open on it.
func (c *Cleaner) disconnect(ctx context.Context) {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx)
	c.conn = nil
}
