package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
)

// repairOptions are what a person has decided.
type repairOptions struct {
	applyFlags
	relay.RepairOptions
	protocolLog string
	format      string
}

func newCmdRepair(a *app, runF func(context.Context, repairOptions) error) *cobra.Command {
	if runF == nil {
		runF = a.repair
	}
	var o repairOptions
	var verdict string
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Publish what is missing after a refusal, and go on",
		Long: `Look why the relay refuses to start, and which rows of the outbox table are not in Kafka; with --apply publish exactly
those and write a checkpoint from which the relay goes on. What is in Kafka already is never published again, and
nothing is deleted. A relay that is up and refused goes on by itself afterwards.

It mends a slot that is missing, lost, unusable or ahead of the checkpoint, a publication that was another one for a
while, and a database that has lost commits; of the latter it names the events that are public and not in the database.
What stands in the way is said with its own remedy. A slot that cannot be used is dropped and made anew.

The rows are published in the order of (created_at, id), not of their commits, and after events that are there already.
Rows that were deleted from the table, and WAL messages, cannot be published again: the range is named.

Without --apply it only looks: nothing is fenced, taken or written. The rows and the checkpoint are one Kafka
transaction (several, if they exceed the batch limits): after a crash or ^C it is done, or the relay refuses as before
and the next repair does the rest.`,
		Example: `  relay repair
  relay repair -o json
  relay repair --apply`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.format, err = a.format(cmd, "text", "json", "yaml"); err != nil {
				return err
			}
			if o.Verdict, err = parseVerdict(verdict); err != nil {
				return usageError(cmd, "--verdict: %s", err)
			}
			return runF(cmd.Context(), o)
		},
	}
	o.applyFlags.bind(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.AssumeMissing, "assume-missing", false, "publish rows too of which it cannot be known whether they were published")
	flags.BoolVar(&o.AcceptLoss, "accept-loss", false, "go on without the WAL messages of the range")
	flags.StringVar(&verdict, "verdict", "", "mend a refusal that only streaming finds: RLY1007 or RLY1014")
	flags.StringVar(&o.protocolLog, "protocol-log", "", "append each protocol action to this file, one JSON object a line")
	registerCompletion(cmd, "verdict", fault.PublicationDiffers.String(), fault.WitnessDiffers.String())
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func parseVerdict(text string) (code fault.Code, err error) {
	if text == "" {
		return 0, nil
	}
	if err = code.UnmarshalText([]byte(text)); err == nil && code != fault.PublicationDiffers && code != fault.WitnessDiffers {
		err = fmt.Errorf("%s is found without it; only RLY1007 and RLY1014 may need to be said", code)
	}
	return code, err
}

// repair prints the plan and carries it out.
func (a *app) repair(ctx context.Context, o repairOptions) error {
	a.lead = "cannot repair"
	l, err := a.load()
	if err != nil {
		return err
	}
	s := a.commandSetup(l.Config)
	plan, err := a.engine.PlanRepair(ctx, s, o.RepairOptions)
	if err != nil {
		return err
	}
	if o.format != "text" {
		err = writeDocument(a.out, o.format, describeRepair(&plan))
	} else {
		err = writeRepairPlan(a.out, &plan)
	}
	if err != nil || len(plan.Found) == 0 {
		return err
	}
	if plan.Consent != nil {
		return plan.Consent
	}
	if !a.confirmed(o.applyFlags, l.Config.Name) {
		return nil
	}
	closeProtocol, err := s.openProtocol(o.protocolLog)
	if err != nil {
		return err
	}
	defer closeProtocol()
	o.Seq = plan.Checkpoint.Seq
	done, err := a.engine.Repair(ctx, s, o.RepairOptions, a.err)
	if err != nil {
		return unfinishedRepair(ctx, err)
	}
	return a.sayRepaired(&done)
}

// unfinishedRepair says what a repair that was interrupted has left behind.
func unfinishedRepair(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("interrupted: the repair is done, or not done and the relay refuses as before; `relay repair` tells which: %w", err)
}

func (a *app) sayRepaired(done *relay.Repaired) error {
	var err error
	switch {
	case done.Nothing:
		_, err = io.WriteString(a.err, "Somebody was quicker: there is nothing to repair any more.\n")
	case done.Held > 0:
		_, err = fmt.Fprintf(a.err, "published %s, parked %s behind those that hold their keys; the relay goes on at %s\n", events(done.Published), events(done.Held), done.Resume)
	default:
		_, err = fmt.Fprintf(a.err, "published %s; the relay goes on at %s\n", events(done.Published), done.Resume)
	}
	return err
}

// repairDocument is a plan for programs; lists are whole.
type repairDocument struct {
	APIVersion    string        `json:"apiVersion"`
	Kind          string        `json:"kind"`
	Relay         string        `json:"relay"`
	Seq           uint64        `json:"seq"` // of the checkpoint
	Verdicts      []verdictLine `json:"verdicts"`
	From          string        `json:"from,omitempty"` // where the range at risk begins
	ReplaceSlot   bool          `json:"replace_slot"`
	Rows          uint64        `json:"rows"`
	InKafka       uint64        `json:"in_kafka"`
	Parked        uint64        `json:"parked"`
	GivenUp       uint64        `json:"given_up"`
	BeforeRelay   uint64        `json:"before_relay"`
	LostNumbers   uint64        `json:"lost_numbers"`
	Missing       []audit.Lack  `json:"missing"`
	Doubtful      []audit.Lack  `json:"doubtful"`
	Unmappable    []audit.Lack  `json:"unmappable"`
	NotInDatabase []audit.Item  `json:"not_in_database"`
	Differs       []audit.Item  `json:"differs"`
	Refused       string        `json:"refused,omitempty"`
	Looked        time.Time     `json:"looked"`
}

type verdictLine struct {
	Code    fault.Code `json:"code"`
	Summary string     `json:"summary"`
}

func describeRepair(p *relay.RepairPlan) repairDocument {
	d := repairDocument{
		APIVersion: "relay/v1", Kind: "RepairPlan", Relay: p.Relay, Seq: p.Checkpoint.Seq, Verdicts: []verdictLine{}, ReplaceSlot: p.ReplaceSlot, Looked: time.Now().UTC(),
		Missing: []audit.Lack{}, Doubtful: []audit.Lack{}, Unmappable: []audit.Lack{}, NotInDatabase: []audit.Item{}, Differs: []audit.Item{},
	}
	for _, r := range p.Found {
		d.Verdicts = append(d.Verdicts, verdictLine{r.Code, r.Summary})
	}
	if p.Consent != nil {
		d.Refused = p.Consent.Error()
	}
	if g := p.Gap; g != nil {
		d.From = p.From.String()
		d.Rows, d.InKafka, d.Parked, d.GivenUp, d.BeforeRelay, d.LostNumbers = g.Rows, g.InKafka, g.Parked, g.Released, g.Before, g.LostNumbers
		d.Missing, d.Doubtful, d.Unmappable = append(d.Missing, g.Missing...), append(d.Doubtful, g.Doubtful...), append(d.Unmappable, g.Bad...)
		d.NotInDatabase, d.Differs = append(d.NotInDatabase, g.NoRow...), append(d.Differs, g.Differs...)
	}
	return d
}
