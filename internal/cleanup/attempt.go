package cleanup

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// attempt tries to free one partition that is due. What it gives is what it freed, or why it stays.
func (c *Cleaner) attempt(ctx context.Context, conn *pgx.Conn, p partition, now time.Time) (rows, *kept, error) {
	if !p.readable || !p.freeable {
		return rows{}, keep(keptRight, "the role lacks a right"), nil
	}
	found, why, err := c.examine(ctx, conn, p, now)
	if why != nil || err != nil {
		return found, why, err
	}
	t := truncation{partition: p, scanned: found, limit: c.cfg.LockTimeout, progress: c.cfg.Progress, at: c.at}
	why, err = t.run(ctx, conn)
	if why != nil && why.reason == keptLocked && err == nil {
		why.detail, err = c.lockedBy(ctx, conn, p, why.detail)
	}
	return found, why, err
}

// examine does all that can be done without a lock; nil: the partition may be locked.
func (c *Cleaner) examine(ctx context.Context, conn *pgx.Conn, p partition, now time.Time) (rows, *kept, error) {
	// Before the scan: a transaction that ends between the two shows in the scan, or in the order of LSNs.
	who, err := writers(ctx, conn, p)
	if err != nil {
		return rows{}, nil, err
	}
	if who != "" {
		return rows{}, keep(keptWriter, "%s has written to it and not committed yet", who), nil
	}
	if why, err := c.glance(ctx, conn, p); why != nil || err != nil {
		return rows{}, why, err
	}
	c.at(stageScans)
	found, end, err := scan(ctx, conn, p)
	if err != nil {
		return found, nil, err
	}
	c.at(stageScanned)
	if why := c.policy().judge(found, p.name, now); why != nil {
		return found, why, nil
	}
	why, err := c.await(ctx, conn, end)
	return found, why, err
}

// The moments before the lock.
const (
	stageScans   stage = "scans"   // nobody writes
	stageScanned stage = "scanned" // age is known
)

// glance spares the scan of a partition that begins with rows from before our time.
func (c *Cleaner) glance(ctx context.Context, conn *pgx.Conn, p partition) (*kept, error) {
	first, err := firstRow(ctx, conn, p)
	if err != nil || first.IsZero() {
		return nil, err
	}
	why := c.policy().judge(rows{count: 1, oldest: first, youngest: first}, p.name, first.Add(longestKeep))
	return why, nil
}

// await waits until our checkpoint, and every other slot, has passed what the scan saw.
func (c *Cleaner) await(ctx context.Context, conn *pgx.Conn, end lsn) (*kept, error) {
	covered, err := wait(ctx, c.cfg.Patience, c.cfg.Progress.reaches(end))
	if err != nil {
		return nil, err
	}
	if !covered {
		return keep(keptCheckpoint, "the checkpoint is at %s, before %s", c.cfg.Progress.Durable(), end), nil
	}
	var behind string
	covered, err = wait(ctx, c.cfg.Patience, func() (bool, error) {
		var err error
		behind, err = slotBehind(ctx, conn, c.cfg.Slot, end)
		return behind == "", err
	})
	if !covered && err == nil {
		return keep(keptSlot, "%s, before %s; if nobody reads it any more: pg_drop_replication_slot", behind, end), nil
	}
	return nil, err
}

// lockedBy names who is in the way.
func (c *Cleaner) lockedBy(ctx context.Context, conn *pgx.Conn, p partition, detail string) (string, error) {
	who, err := users(ctx, conn, p)
	if who != "" {
		detail += " by " + who
	}
	return detail, err
}
