package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// releaseOptions are those of parked retry and skip.
type releaseOptions struct {
	parkedSelection
	applyFlags
	skip        bool
	toTopic     string
	protocolLog string
	format      string
}

// releasePlan is what would be done.
type releasePlan struct {
	Skip    []parkedEvent
	Publish []parkedEvent
	Unknown []string
}

// releaseOutcome is what was done.
type releaseOutcome struct {
	Published, Skipped int
	Left               []parkedEvent
	Items              []releasedEvent
}

func newCmdParkedRetry(a *app, runF func(context.Context, releaseOptions) error) *cobra.Command {
	if runF == nil {
		runF = a.release
	}
	var o releaseOptions
	cmd := &cobra.Command{
		Use:   "retry [POSITION|ID...]",
		Short: "Publish parked events, and what waits behind them",
		Long: `Publish parked events whose cause is mended: the topic created, the right granted, the limit raised, the configuration
changed. An event and those that wait behind it are published in order, from the first on, as far as Kafka takes them;
what it does not take stays parked with the new reason, and what waits behind that goes on waiting. Publishing, and
taking out of the parked topic, is one Kafka transaction: after a crash it is done or not done.

A plan is printed first. --to-topic publishes the selected events elsewhere. With -o json or yaml the one document on
stdout names each event with its outcome: would_publish without --apply, else published, or parked with the reason why.`,
		Example: `  relay parked retry --all
  relay parked retry --all --apply
  relay parked retry 00000001-0000000007A41C60-00000000 --to-topic payment.large --apply`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runRelease(cmd, &o, args, runF) },
	}
	cmd.Flags().StringVar(&o.toTopic, "to-topic", "", "publish the selected events to this topic instead of their own")
	a.bindRelease(cmd, &o)
	return cmd
}

func newCmdParkedSkip(a *app, runF func(context.Context, releaseOptions) error) *cobra.Command {
	if runF == nil {
		runF = a.release
	}
	o := releaseOptions{skip: true}
	cmd := &cobra.Command{
		Use:   "skip [POSITION|ID...]",
		Short: "Give parked events up, and publish what waits behind them",
		Long: `Give parked events up: they are never published. What waits behind them is published in order, as far as Kafka takes it.
--all, --topic and --reason mean events that could not be published; those that only wait (reason "held") are given up
when they are named, or with --reason held. All of it is one Kafka transaction: after a crash it is done or not done.

A plan is printed first. Copy what you give up before: relay parked show POSITION -o json. With -o json or yaml the one
document on stdout names each event with its outcome: would_skip or would_publish without --apply, else skipped,
published, or parked with the reason why.`,
		Example: `  relay parked skip 00000001-0000000007A41C60-00000000
  relay parked skip --reason bad_topic --apply`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runRelease(cmd, &o, args, runF) },
	}
	a.bindRelease(cmd, &o)
	return cmd
}

func (a *app) bindRelease(cmd *cobra.Command, o *releaseOptions) {
	cmd.Flags().BoolVar(&o.all, "all", false, "every parked event")
	o.parkedSelection.bind(cmd)
	o.applyFlags.bind(cmd)
	cmd.Flags().StringVar(&o.protocolLog, "protocol-log", "", "append each protocol action to this file, one JSON object a line")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitWanting, fault.ExitInterrupted)
}

func (a *app) runRelease(cmd *cobra.Command, o *releaseOptions, args []string, runF func(context.Context, releaseOptions) error) error {
	var err error
	if o.format, err = a.format(cmd, "table", "wide", "json", "yaml"); err != nil {
		return err
	}
	if err := o.check(cmd); err != nil {
		return err
	}
	o.events = args
	filtered := o.topic != "" || o.reason != ""
	switch {
	case len(args) == 0 && !o.all && !filtered:
		return usageError(cmd, "which events? Name some by position or id, or say --topic, --reason or --all")
	case len(args) > 0 && (o.all || filtered):
		return usageError(cmd, "either name events, or say --topic, --reason or --all")
	}
	for i, name := range args {
		o.events[i] = strings.TrimPrefix(name, "parked/")
	}
	return runF(cmd.Context(), *o)
}

// release prints the plan and carries it out.
func (a *app) release(ctx context.Context, o releaseOptions) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	s := a.commandSetup(l.Config)
	plan, err := a.engine.PlanRelease(ctx, s, o)
	if err != nil {
		return err
	}
	if len(plan.Unknown) > 0 {
		return notParked(plan.Unknown[0])
	}
	if len(plan.Skip)+len(plan.Publish) == 0 {
		io.WriteString(a.err, nothingSelected)
		return a.writeRelease(o, false, nil)
	}
	if err := a.writePlan(plan, o); err != nil {
		return err
	}
	if !a.confirmed(o.applyFlags, l.Config.Name) {
		return a.writeRelease(o, false, plan.items())
	}
	closeProtocol, err := s.openProtocol(o.protocolLog)
	if err != nil {
		return err
	}
	defer closeProtocol()
	outcome, err := a.engine.Release(ctx, s, o, a.err)
	if err != nil {
		return err
	}
	if err := a.writeRelease(o, true, outcome.Items); err != nil {
		return err
	}
	return a.sayOutcome(outcome, o)
}

func (a *app) writePlan(plan releasePlan, o releaseOptions) error {
	out, format := a.out, o.format
	if o.forPrograms() {
		out, format = a.err, "table"
	}
	for _, part := range []struct {
		does   string
		events []parkedEvent
	}{
		{"give up, never to be published", plan.Skip},
		{"publish in this order, as far as Kafka takes them", plan.Publish},
	} {
		if len(part.events) == 0 {
			continue
		}
		fmt.Fprintf(out, "Plan: %s, %s:\n", part.does, events(len(part.events)))
		shown := part.events[:min(len(part.events), planLines)]
		if o.toTopic != "" {
			fmt.Fprintf(out, "(those selected go to topic %s)\n", o.toTopic)
		}
		if err := writeParked(out, shown, format, a.flags.noHeaders, time.Now()); err != nil {
			return err
		}
		if more := len(part.events) - len(shown); more > 0 {
			fmt.Fprintf(out, "... and %d more\n", more)
		}
	}
	return nil
}

const nothingSelected = "Nothing that was selected is parked.\n"

// planLines is how many events of a plan are printed.
const planLines = 50

func events(n int) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}

// sayOutcome prints what was done. Events that are left are an error: somebody must decide again.
func (a *app) sayOutcome(o releaseOutcome, asked releaseOptions) error {
	out := a.out
	if asked.forPrograms() {
		out = a.err
	}
	fmt.Fprintf(out, "published %s", events(o.Published))
	if o.Skipped > 0 {
		fmt.Fprintf(out, ", gave up %s", events(o.Skipped))
	}
	io.WriteString(out, "\n")
	if len(o.Left) == 0 {
		return nil
	}
	first := o.Left[0]
	f := &fault.Error{
		Code: fault.Unpublishable, Summary: fmt.Sprintf("%s still cannot be published", events(len(o.Left))),
		Hint: "Mend the cause and retry, or give them up with `relay parked skip`. `relay parked list -o wide` says why each of them is parked.",
	}
	for _, e := range o.Left[:min(len(o.Left), 10)] {
		f.Details = append(f.Details, fmt.Sprintf("%s  %s  %s", e.Position, e.Reason, e.Detail))
	}
	if first.Reason == "held" {
		f.Hint = "`relay parked list` shows what they wait behind."
	}
	return f
}
