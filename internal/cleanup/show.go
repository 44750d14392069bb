package cleanup

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/status"
)

// show tells the status how large and how old the weekdays are, when each is freed, and which stay and why.
func (c *Cleaner) show(ctx context.Context, conn *pgx.Conn, l *look, now time.Time) error {
	seen := make([]status.Partition, 0, len(l.ring))
	for _, p := range l.ring {
		shown := status.Partition{Name: p.name, Bytes: uint64(p.bytes)}
		if p.pages > 0 && p.readable && l.schema == "" {
			first, err := firstRow(ctx, conn, p)
			if err != nil {
				return err
			}
			shown.Oldest = pointer(first)
		}
		if pl, tried := c.plans[p.weekday]; tried {
			shown.Kept = &status.Kept{Reason: string(pl.kept.reason), Detail: pl.kept.detail}
		}
		shown.NextTruncate = pointer(c.next(p, now))
		seen = append(seen, shown)
	}
	c.cfg.Status.OutboxSeen(seen)
	view := status.OutboxView{Partitions: seen}
	if next := view.NextTruncate(); next != nil && next.Kept == nil {
		c.once("next", next.Name+stamp(*next.NextTruncate), func() {
			c.log.Info("outbox weekday to be truncated next", "partition", next.Name, "at", stamp(*next.NextTruncate))
		})
	}
	return nil
}

// next is when a weekday is freed, or tried again; zero: there is nothing to free, or it takes a person.
func (c *Cleaner) next(p partition, now time.Time) time.Time {
	pl, tried := c.plans[p.weekday]
	if !c.cfg.Enabled || p.pages == 0 || tried && pl.kept.needsPerson() {
		return time.Time{}
	}
	if due := p.weekday.due(now, c.cfg.Keep); due.After(pl.again) {
		return due
	}
	return pl.again
}

// pointer is nil for a zero time.
func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
