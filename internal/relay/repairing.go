package relay

import (
	"context"
	"fmt"
	"io"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// Repair publishes the rows of the outbox table that are not in Kafka and makes a checkpoint from which the stream goes on.
// It is a session like the daemon's: what was decided before is settled behind its fence and barrier.
//
// Where rows end and the stream begins is exact: the table is read in a snapshot of which Postgres says the place in the
// WAL, and that place is the new resume LSN. So each commit is either shown by the snapshot, and then compared by id, or
// sent by the slot. Nothing depends on times or on the order of transaction ids.
//
// The rows, in the order of (created_at, id), and the checkpoint are one Kafka transaction, or several when that would
// exceed the batch limits. Only the last one moves the resume LSN: whatever ends a repair before, the guard refuses as it
// did, and the next repair finds by id what is there.
func Repair(ctx context.Context, cfg Config, o RepairOptions, out io.Writer) (done Repaired, err error) {
	err = persist(ctx, func(ctx context.Context) error {
		done, err = repairOnce(ctx, cfg, o, out)
		return err
	})
	return done, err
}

func repairOnce(ctx context.Context, cfg Config, o RepairOptions, out io.Writer) (Repaired, error) {
	c, err := newCommand(cfg, out)
	if err != nil {
		return Repaired{}, err
	}
	defer c.close()
	c.readsParked = c.cfg.Parked != ""
	for _, step := range []func(context.Context) error{c.reach, c.lock, func(ctx context.Context) error { return c.takeForRepair(ctx, o) }, c.read, c.readHolds, c.settleFacts} {
		if err := step(ctx); err != nil {
			return Repaired{}, parkedTopicTrouble(c.cfg, err)
		}
	}
	plan, err := c.diagnose(o)
	if err == nil {
		err = plan.unmoved(o)
	}
	if err != nil {
		return Repaired{}, err
	}
	if len(plan.Found) == 0 {
		return Repaired{Nothing: true, Resume: c.facts.Checkpoint.ResumeLSN}, nil
	}
	return c.repair(ctx, &plan, o)
}

// unmoved compares with the checkpoint that the person has seen.
func (p *RepairPlan) unmoved(o RepairOptions) error {
	if o.Seq == 0 || o.Seq == p.Checkpoint.Seq {
		return nil
	}
	return &fault.Error{
		Code: fault.RepairRefused, Summary: fmt.Sprintf("the checkpoint has moved since the plan was made (seq %d, now %d): nothing was changed", o.Seq, p.Checkpoint.Seq),
		Hint: "`relay repair` makes a new plan.",
	}
}

// takeForRepair owns the slot and fences. A slot that cannot be owned, because it is missing or unusable or lies before WAL
// that cannot be decoded, is stood in for by the exclusive lock: nobody can be streaming from it.
func (c *command) takeForRepair(ctx context.Context, o RepairOptions) error {
	if err := c.askCatalog(ctx, &c.side.Catalog); err != nil {
		return fmt.Errorf("ask catalogue: %w", err)
	}
	plan, err := c.diagnose(o)
	if err != nil {
		return err
	}
	if !plan.ReplaceSlot {
		if err := c.ownPatiently(ctx); err != nil {
			return err
		}
		return c.fenceAsOwner(ctx)
	}
	c.protocol.Info("own", keySlot, c.cfg.Source.Slot, keyPID, 0, "timeline", c.facts.Server.Timeline)
	return c.fence(ctx, c.stillUnused)
}

// stillUnused checks, for a command that must do without its slot, that nobody reads it and that the lock is held.
func (c *command) stillUnused(ctx context.Context) error {
	slot, err := c.side.Slot(ctx, c.cfg.Source.Slot)
	if err != nil {
		return err
	}
	held, err := c.holdsLock(ctx)
	switch {
	case err != nil:
		return err
	case slot != nil && slot.Active:
		return busy(c.cfg.Source.Slot, fmt.Sprintf("process %d", slot.ActivePID))
	case !held:
		return errSlotLost
	}
	return nil
}

// settleFacts asks everything again behind the fence.
func (c *command) settleFacts(ctx context.Context) error {
	if c.stream != nil {
		return c.refresh(ctx)
	}
	if err := c.askKafka(ctx); err != nil {
		return err
	}
	flush, err := c.walEnd(ctx)
	if err != nil {
		return err
	}
	c.facts.Server.FlushLSN = flush
	if err := c.askCatalog(ctx, &c.side.Catalog); err != nil {
		return fmt.Errorf("ask catalogue: %w", err)
	}
	return c.stillUnused(ctx)
}

func (c *command) repair(ctx context.Context, plan *RepairPlan, o RepairOptions) (Repaired, error) {
	if plan.ReplaceSlot && c.stream != nil {
		return Repaired{}, errSlotLost // it has become unusable meanwhile: another session, which begins another way
	}
	c.protocol.Info("guard", "verdict", "repair", "confirmed_flush", c.confirmed())
	src := c.sources()
	if c.readsParked {
		src.Parked = func(ctx context.Context, take func(string, bool) error) error {
			return parkedIDs(ctx, c.producer.ScanParked, take)
		}
	}
	if plan.ReplaceSlot {
		if err := c.mayRepair(ctx, plan, src, o); err != nil {
			return Repaired{}, err
		}
		if err := c.replaceSlot(ctx); err != nil {
			return Repaired{}, err
		}
	}
	exporter, snapshot, err := c.exportSnapshot(ctx)
	if err != nil {
		return Repaired{}, err
	}
	defer exporter.Close()
	src.Snapshot = snapshot.Name
	if err := c.mayRepair(ctx, plan, src, o); err != nil {
		return Repaired{}, err
	}
	return c.publishGap(ctx, plan, src, outbox.LSN(snapshot.At))
}

// mayRepair compares, and asks whether what is found was agreed to.
func (c *command) mayRepair(ctx context.Context, plan *RepairPlan, src audit.Sources, o RepairOptions) error {
	if err := c.compare(ctx, plan, src); err != nil {
		return err
	}
	return plan.consent(o)
}

// replaceSlot drops a slot that cannot be used, and makes one. Between the two there is none, which is refused as before.
func (c *command) replaceSlot(ctx context.Context) error {
	if c.facts.Slot != nil {
		if _, err := c.side.Exec(ctx, "SELECT pg_catalog.pg_drop_replication_slot($1)", c.cfg.Source.Slot); err != nil {
			return postgresTrouble(c.cfg, fmt.Errorf("drop slot %q: %w", c.cfg.Source.Slot, err))
		}
		c.say("dropped slot %s", c.cfg.Source.Slot)
	}
	return c.createSlot(ctx)
}

// exportSnapshot opens a connection that keeps a snapshot.
func (c *command) exportSnapshot(ctx context.Context) (*replication.Conn, replication.Snapshot, error) {
	var none replication.Snapshot
	conn, err := replication.Connect(ctx, c.cfg.Source)
	if err != nil {
		return nil, none, postgresTrouble(c.cfg, err)
	}
	system, err := conn.Identify(ctx)
	if err == nil && (system.SystemID != c.facts.Server.SystemID || system.Timeline != c.facts.Server.Timeline) {
		err = errSlotLost // another server answers
	}
	var snapshot replication.Snapshot
	if err == nil {
		snapshot, err = conn.ExportSnapshot(ctx, fmt.Sprintf("relay_repair_%d", c.side.PgConn().PID()))
	}
	if err != nil {
		_ = conn.Close()
		return nil, none, postgresTrouble(c.cfg, err)
	}
	return conn, snapshot, nil
}
