package relay

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// AdoptOptions say where to begin, and what is given up knowingly.
type AdoptOptions struct {
	From outbox.LSN
	// AcceptLoss begins above the slot or the checkpoint: what lies between is never published.
	AcceptLoss bool
	// AcceptDuplicates begins below the checkpoint: what lies between is published again.
	AcceptDuplicates bool
}

// Adopt writes a new checkpoint for a slot that is there. Everything that committed before From counts as published.
func Adopt(ctx context.Context, cfg Config, opts AdoptOptions, out io.Writer) error {
	return persist(ctx, func(ctx context.Context) error { return adoptOnce(ctx, cfg, opts, out) })
}

func adoptOnce(ctx context.Context, cfg Config, opts AdoptOptions, out io.Writer) error {
	c, err := newCommand(cfg, out)
	if err != nil {
		return err
	}
	defer c.close()
	c.readsParked = c.cfg.Parked != ""
	for _, step := range []func(context.Context) error{
		c.reachAnyway, c.mustHaveSlot, c.createTopics, c.lock, c.ownPatiently, c.fenceAsOwner, c.readAnyway, c.refresh,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := c.mayAdopt(opts); err != nil {
		return err
	}
	if c.readsParked {
		if err := c.countParked(ctx); err != nil {
			return err
		}
	}
	if err := c.startAt(ctx, publisher.PhaseStream, opts.From); err != nil {
		return err
	}
	c.say("relay %q starts at %s; everything that committed before counts as published", c.facts.Want.Relay, opts.From)
	return nil
}

func (c *command) mustHaveSlot(context.Context) error {
	if slot := c.cfg.Source.Slot; c.facts.Slot == nil {
		return refusal(fault.SlotUnusable, fmt.Sprintf("slot %q does not exist: there is nothing to adopt", slot), nil,
			fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput'); makes one, for a new relay `relay init` does.", slot), guard.FactSlot)
	}
	return c.mustBeReady()
}

// reachAnyway looks and asks; a checkpoint that cannot be used is what adopt replaces, so it is none.
func (c *command) reachAnyway(ctx context.Context) error {
	err := c.look(ctx)
	if r, unreadable := errors.AsType[*guard.Refusal](err); unreadable {
		c.say("the present checkpoint is not used: %s", r.Summary)
		err = nil
	}
	if err != nil {
		return err
	}
	c.facts.Barrier = nil
	return c.ask(ctx)
}

func (c *command) readAnyway(ctx context.Context) error {
	err := c.read(ctx)
	if _, unreadable := errors.AsType[*guard.Refusal](err); unreadable {
		c.facts.Checkpoint = nil
		return nil
	}
	return err
}

// mayAdopt refuses what Postgres cannot send any more, and what would lose or repeat events without anybody saying so.
func (c *command) mayAdopt(opts AdoptOptions) error {
	confirmed := *c.facts.Slot.ConfirmedFlush
	end := c.facts.Server.FlushLSN
	switch {
	case opts.From < confirmed:
		return adoptRefused(fmt.Sprintf("%s lies before the slot's confirmed position %s: Postgres does not send it again", opts.From, confirmed),
			fmt.Sprintf("`relay adopt --from %s` begins where the slot does.", confirmed))
	case opts.From > end:
		return adoptRefused(fmt.Sprintf("%s lies beyond the end of the WAL, %s", opts.From, end), "Choose a place that exists.")
	}
	known := confirmed
	if cp := c.facts.Checkpoint; cp != nil && cp.SystemID == c.facts.Server.SystemID {
		if opts.From < cp.ResumeLSN && !opts.AcceptDuplicates {
			return adoptRefused(fmt.Sprintf("events of transactions in [%s, %s) are published already and would be published again", opts.From, cp.ResumeLSN),
				"Begin at the checkpoint, or say --accept-duplicates.")
		}
		known = cp.ResumeLSN
	}
	if opts.From > known && !opts.AcceptLoss {
		return adoptRefused(fmt.Sprintf("events of transactions that committed in [%s, %s) would never be published", known, opts.From),
			"Publish what is missing by other means, then say --accept-loss.")
	}
	return nil
}

func adoptRefused(summary, hint string) error {
	return &fault.Error{Code: fault.AdoptRefused, Summary: summary, Hint: hint}
}
