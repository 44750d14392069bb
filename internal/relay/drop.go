package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// DropPlan is what retiring a relay takes away.
type DropPlan struct {
	Relay, Slot string
	SlotExists  bool
	// SlotForeign says why a slot of that name is left alone; "": it is not.
	SlotForeign string
	// Topics are those that exist, of the checkpoint and of parked events.
	Topics     []string
	Checkpoint *publisher.Checkpoint // nil: none, or it cannot be read
	Parked     int                   // events that were never published
	WALEnd     outbox.LSN
}

// Nothing tells whether there is nothing to drop.
func (p *DropPlan) Nothing() bool { return len(p.Topics) == 0 && !p.dropsSlot() }

func (p *DropPlan) dropsSlot() bool { return p.SlotExists && p.SlotForeign == "" }

// PlanDrop looks what a drop would take away. It refuses while a relay works.
func PlanDrop(ctx context.Context, cfg Config) (plan DropPlan, err error) {
	err = persist(ctx, func(ctx context.Context) error {
		c, err := newCommand(cfg, io.Discard)
		if err != nil {
			return err
		}
		defer c.close()
		plan, err = c.planDrop(ctx)
		return err
	})
	return plan, err
}

// Drop retires a relay: the slot first, for while it is there Postgres keeps WAL for it; then the topics. No fence is needed:
// a slot that is read by anybody is not dropped, and a Kafka transaction that has begun holds only what was committed in
// Postgres. A drop that was interrupted is finished by the next one.
func Drop(ctx context.Context, cfg Config, out io.Writer) error {
	return persist(ctx, func(ctx context.Context) error {
		c, err := newCommand(cfg, out)
		if err != nil {
			return err
		}
		defer c.close()
		plan, err := c.planDrop(ctx)
		if err != nil {
			return err
		}
		if err := c.lockIdle(ctx); err != nil {
			return err
		}
		return c.drop(ctx, &plan)
	})
}

func (c *command) planDrop(ctx context.Context) (DropPlan, error) {
	if err := c.reachUndecodable(ctx); err != nil {
		return DropPlan{}, err
	}
	f := &c.facts
	plan := DropPlan{Relay: f.Want.Relay, Slot: f.Want.Slot, SlotExists: f.Slot != nil, Checkpoint: f.Checkpoint, WALEnd: f.Server.FlushLSN}
	if f.Server.InRecovery {
		return plan, refusal(fault.InRecovery, "this server is in recovery: slots are dropped on the primary", nil, "Point source.url at the primary.", guard.FactServer)
	}
	if refused := guard.SameIdentity(f); refused != nil {
		return plan, refused
	}
	var err error
	if c.side, err = c.pg.Sibling(ctx); err != nil {
		return plan, postgresTrouble(c.cfg, err)
	}
	if err := c.mustBeIdle(ctx); err != nil {
		return plan, err
	}
	if f.Slot != nil {
		plan.SlotForeign = foreignSlot(f)
	}
	return plan, c.ownTopics(ctx, &plan)
}

// reachUndecodable looks and asks. A checkpoint that cannot be decoded can still be dropped.
func (c *command) reachUndecodable(ctx context.Context) error {
	err := c.look(ctx)
	if r, refused := errors.AsType[*guard.Refusal](err); refused && r.Code == fault.CheckpointUnreadable {
		c.facts.Checkpoint, err = nil, nil
	}
	if err != nil {
		return err
	}
	return c.ask(ctx)
}

// mustBeIdle refuses while somebody reads the slot, or has it and is about to.
func (c *command) mustBeIdle(ctx context.Context) error {
	if slot := c.facts.Slot; slot != nil && slot.ActivePID != 0 {
		return works(c.cfg.Source.Slot, fmt.Sprintf("process %d of Postgres reads slot %q", slot.ActivePID, c.cfg.Source.Slot))
	}
	for _, mode := range []string{"ShareLock", "ExclusiveLock"} {
		if holder, err := c.lockHolder(ctx, mode); err != nil || holder != "" {
			return cmp.Or(err, works(c.cfg.Source.Slot, holder))
		}
	}
	return nil
}

func works(slot, who string) error {
	return &fault.Error{
		Code: fault.Busy, Summary: fmt.Sprintf("a relay or a command works on slot %q: %s", slot, who), Hint: "Stop it first; standbys too, or they wait for a slot that does not come back.",
	}
}

// lockIdle takes the exclusive lock without making anybody step aside.
func (c *command) lockIdle(ctx context.Context) error {
	var ok bool
	if err := c.side.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", lockClass, c.lockKey()).Scan(&ok); err != nil {
		return fmt.Errorf("take exclusive lock: %w", err)
	}
	if !ok {
		return works(c.cfg.Source.Slot, "it has just begun")
	}
	return nil
}

// foreignSlot says why a slot cannot be this relay's.
func foreignSlot(f *guard.Facts) string {
	switch s := f.Slot; {
	case s.Plugin != replication.Plugin:
		return fmt.Sprintf("it is of plugin %q", s.Plugin)
	case s.Database != f.Server.Database:
		return fmt.Sprintf("it is of database %q", s.Database)
	}
	return ""
}

// ownTopics finds the topics, and counts what is parked.
func (c *command) ownTopics(ctx context.Context, plan *DropPlan) error {
	if c.facts.Kafka.CheckpointTopic != nil {
		plan.Topics = append(plan.Topics, c.cfg.Kafka.CheckpointTopic)
	}
	if c.cfg.Parked == "" || !c.parkedExists() {
		return nil
	}
	plan.Topics = append(plan.Topics, c.cfg.Parked)
	index := make(parkedIndex)
	if err := c.kafka.LookParked(ctx, index.take); err != nil {
		return parkedTopicTrouble(c.cfg, err)
	}
	plan.Parked = len(index)
	return nil
}

func (c *command) drop(ctx context.Context, plan *DropPlan) error {
	if plan.dropsSlot() {
		if _, err := c.side.Exec(ctx, "SELECT pg_catalog.pg_drop_replication_slot($1)", plan.Slot); err != nil {
			return postgresTrouble(c.cfg, fmt.Errorf("drop slot %q: %w", plan.Slot, err))
		}
		c.say("dropped slot %s", plan.Slot)
	}
	for _, topic := range plan.Topics {
		existed, err := c.kafka.DeleteOwnTopic(ctx, topic)
		if denied, ok := errors.AsType[*publisher.AuthorizationError](err); ok {
			return &fault.Error{
				Code: fault.TopicUnsuitable, Summary: "cannot delete topic " + topic, Err: denied,
				Hint: fmt.Sprintf("kafka-topics.sh --delete --topic %s, as somebody who may; or grant the right and repeat.", topic),
			}
		}
		if err != nil {
			return err
		}
		if existed {
			c.say("deleted topic %s", topic)
		}
	}
	return nil
}
