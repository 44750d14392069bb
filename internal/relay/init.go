package relay

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/publisher"
)

// Init creates slot, checkpoint topic and first checkpoint. It is safe to repeat: a crash at any point leaves it done,
// or to be done again.
func Init(ctx context.Context, cfg Config, out io.Writer) error {
	return persist(ctx, func(ctx context.Context) error { return initOnce(ctx, cfg, out) })
}

func initOnce(ctx context.Context, cfg Config, out io.Writer) error {
	c, err := newCommand(cfg, out)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.reach(ctx); err != nil {
		return err
	}
	if done, err := c.initialised(); done || err != nil {
		return cmp.Or(err, c.mendTopics(ctx))
	}
	if err := c.mustBeReady(); err != nil {
		return err
	}
	if c.facts.Slot != nil && c.facts.Checkpoint == nil {
		return asError(guard.AfterRead(&c.facts)) // no checkpoint: adopting the slot is a person's decision
	}
	if err := c.createTopics(ctx); err != nil {
		return err
	}
	return c.initialise(ctx)
}

// mendTopics makes the parked topic of a relay that is initialised, if somebody has deleted it. Where events went with it
// an empty one would hide that from the relay; that they are lost is for a person to accept.
func (c *command) mendTopics(ctx context.Context) error {
	if c.parkedExists() {
		return nil
	}
	if cp := c.facts.Checkpoint; cp.Holds.Parked > 0 {
		return refusal(fault.KafkaLostData, fmt.Sprintf("topic %s is gone, and with it the %d parked events that the checkpoint counts", c.cfg.Parked, cp.Holds.Parked), nil,
			fmt.Sprintf("`relay adopt --from %s` makes the topic anew, goes on without them and frees their keys.", cp.ResumeLSN), guard.FactCheckpoint, guard.FactTopics)
	}
	return c.createTopics(ctx)
}

// initialised sees, unfenced, whether there is nothing to do.
func (c *command) initialised() (bool, error) {
	slot, cp := c.facts.Slot, c.facts.Checkpoint
	if slot == nil || cp == nil || cp.Phase != publisher.PhaseStream {
		return false, nil
	}
	if refusal := guard.BeforeFence(&c.facts); refusal != nil {
		return false, refusal
	}
	if slot.ActivePID != 0 {
		c.say("relay %q is initialised, and a relay is at work on slot %q (process %d)", c.facts.Want.Relay, c.facts.Want.Slot, slot.ActivePID)
		return true, nil
	}
	c.say("relay %q is already initialised: it resumes at %s, %d events published", c.facts.Want.Relay, cp.ResumeLSN, cp.EventsTotal)
	return true, nil
}

func (c *command) initialise(ctx context.Context) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	if err := c.askCatalog(ctx, &c.side.Catalog); err != nil {
		return err
	}
	existed := c.facts.Slot != nil
	c.readsParked = c.cfg.Parked != ""
	if err := c.fenceAndRead(ctx, existed); err != nil {
		return err
	}
	cp := c.facts.Checkpoint
	switch {
	case cp == nil && existed:
		return asError(guard.AfterRead(&c.facts))
	case cp != nil && cp.Phase == publisher.PhaseStream:
		return c.finished(ctx, existed)
	case cp == nil:
		if err := c.startAt(ctx, publisher.PhaseCreating, 0); err != nil {
			return err
		}
	}
	if !existed {
		if err := c.createSlot(ctx); err != nil {
			return err
		}
	}
	return c.startAtSlot(ctx)
}

// fenceAndRead owns the slot first if there is one. Without a slot there is nothing to own: nobody can be streaming, as
// long as there is none and this command has the lock.
func (c *command) fenceAndRead(ctx context.Context, owned bool) error {
	stillOurs := c.stillAlone
	if owned {
		if err := c.ownPatiently(ctx); err != nil {
			return err
		}
		stillOurs = c.stillOurs
	}
	if err := c.fence(ctx, stillOurs); err != nil {
		return err
	}
	return c.read(ctx)
}

// finished is reached when another init was quicker.
func (c *command) finished(ctx context.Context, owned bool) error {
	if !owned {
		return asError(guard.BeforeFence(&c.facts))
	}
	if err := c.guard(ctx); err != nil {
		return err
	}
	c.say("relay %q is already initialised", c.facts.Want.Relay)
	return nil
}

func (c *command) createSlot(ctx context.Context) error {
	waits, err := c.openTransactions(ctx)
	if err != nil {
		return err
	}
	if waits > 0 {
		c.say("creating the slot waits for %d open transactions", waits)
	}
	failover := c.cfg.Failover && c.facts.Server.Version >= failoverServer
	lsn, err := c.pg.CreateSlot(ctx, c.cfg.Source.Slot, failover)
	if err != nil {
		return postgresTrouble(c.cfg, err)
	}
	c.say("created slot %s at %s%s", c.cfg.Source.Slot, lsn, map[bool]string{true: ", failover"}[failover])
	return nil
}

// failoverServer is the first version with failover slots.
const failoverServer = 170000

// startAtSlot makes the slot's position the first checkpoint.
func (c *command) startAtSlot(ctx context.Context) error {
	if c.stream == nil {
		if err := c.ownPatiently(ctx); err != nil {
			return err
		}
	}
	if err := c.refresh(ctx); err != nil {
		return err
	}
	if c.facts.Slot.ConfirmedFlush == nil {
		return asError(guard.AfterRead(&c.facts))
	}
	if c.readsParked {
		if err := c.countParked(ctx); err != nil {
			return err
		}
	}
	if err := c.startAt(ctx, publisher.PhaseStream, *c.facts.Slot.ConfirmedFlush); err != nil {
		return err
	}
	c.say("relay %q starts at %s", c.facts.Want.Relay, *c.facts.Slot.ConfirmedFlush)
	c.sayLeftOut(ctx)
	return nil
}

// openTransactions counts what creating a slot waits for: every transaction of the cluster that has an xid.
func (c *command) openTransactions(ctx context.Context) (int, error) {
	var n int
	err := c.side.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count open transactions: %w", err)
	}
	return n, nil
}

// sayLeftOut tells how many rows were there before the slot.
func (c *command) sayLeftOut(ctx context.Context) {
	for _, t := range c.tables {
		var n int64
		err := c.side.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{t.Schema, t.Name}.Sanitize()).Scan(&n)
		switch {
		case err != nil:
			c.say("%s.%s: rows that are already there will not be published (the role may not count them)", t.Schema, t.Name)
		case n > 0:
			c.say("%s.%s: %d rows that are already there will not be published", t.Schema, t.Name, n)
		}
	}
}
