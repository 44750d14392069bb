package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
)

func newCmdDrop(a *app, runF func(context.Context, applyFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.drop
	}
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "drop",
		Short: "Retire a relay: drop its slot and its topics",
		Long: `Retire a relay for good: drop its replication slot, its checkpoint topic and its parked topic. A plan is printed first,
which says what is lost. It is carried out when the relay's name is typed, or with --apply or --yes.

It is refused while a relay or another command works on the slot. The outbox table, the publication and the topics with
events stay. An interrupted drop is finished by the next one.`,
		Example: "  relay drop\n  relay drop --yes",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	f.bind(cmd)
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

// drop prints the plan and carries it out.
func (a *app) drop(ctx context.Context, f applyFlags) error {
	a.lead = "cannot drop"
	l, err := a.load()
	if err != nil {
		return err
	}
	s := a.commandSetup(l.Config)
	plan, err := a.engine.PlanDrop(ctx, s)
	if err != nil {
		return err
	}
	if err := writeDropPlan(a.out, &plan); err != nil || plan.Nothing() {
		return err
	}
	if !a.confirmed(f, l.Config.Name) {
		return nil
	}
	return a.engine.Drop(ctx, s, a.out)
}

func writeDropPlan(out io.Writer, p *relay.DropPlan) error {
	w := bufio.NewWriter(out)
	switch {
	case p.SlotForeign != "":
		fmt.Fprintf(w, "Slot %s stays: %s, so it is not this relay's.\n", p.Slot, p.SlotForeign)
	case p.SlotExists:
		fmt.Fprintf(w, "Plan: drop slot %s\n", p.Slot)
		io.WriteString(w, "  Lost: the WAL that it keeps, and what was not published of it. Undo: none; a new slot begins at the present.\n")
	}
	for _, topic := range p.Topics {
		fmt.Fprintf(w, "Plan: delete topic %s\n  Lost: all records in it. Undo: none.\n", topic)
	}
	switch cp := p.Checkpoint; {
	case p.Nothing():
		fmt.Fprintf(w, "Relay %s has neither slot nor topics: there is nothing to drop.\n", p.Relay)
	case cp != nil:
		fmt.Fprintf(w, "Relay %s published %s; what committed in [%s, %s) it has not looked at: `relay run --once` publishes it before.\n",
			p.Relay, events(int(cp.EventsTotal)), cp.ResumeLSN, p.WALEnd)
	}
	if p.Parked > 0 {
		fmt.Fprintf(w, "%s parked and never published: `relay parked list` shows them, `relay parked retry` publishes them before.\n", events(p.Parked))
	}
	return w.Flush()
}
