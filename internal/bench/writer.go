package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// writersOf is how many connections it takes to commit so many events a second: where a COMMIT waits for a disk, one can
// do a few hundred.
func writersOf(rate int) int { return min(16, max(1, rate/250)) }

// writeEvenly commits events at a steady rate, one in each transaction, and notes them. A writer that is late goes on at
// once: the rate that was reached is reported.
func (d *database) writeEvenly(ctx context.Context, rate, events int, l *ledger) error {
	writers := writersOf(rate)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now().Add(50 * time.Millisecond) // all are connected by then, or late
	for w := range writers {
		group.Go(func() error {
			conn, err := d.connect(ctx)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx))
			insert, err := conn.Prepare(ctx, "relay_bench_insert", d.insert("$1::int", ""))
			if err != nil {
				return fmt.Errorf("write events: %w", err)
			}
			for n := w; n < events; n += writers {
				if err := sleepUntil(ctx, begin.Add(time.Duration(n)*time.Second/time.Duration(rate))); err != nil {
					return err
				}
				begun := time.Now()
				if _, err := conn.Exec(ctx, insert.Name, n); err != nil {
					return fmt.Errorf("write events: %w", err)
				}
				l.wrote(n, begun, time.Now())
			}
			return nil
		})
	}
	return group.Wait()
}

func sleepUntil(ctx context.Context, due time.Time) error {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
