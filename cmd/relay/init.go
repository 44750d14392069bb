package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdInit(a *app, runF func(ctx context.Context, dryRun bool) error) *cobra.Command {
	if runF == nil {
		runF = a.init
	}
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create slot, topics and first checkpoint",
		Long: `Create the replication slot, the checkpoint topic and the first checkpoint of a new relay. What commits from then on is
published; rows that are already there are not, and their number is said.

It is safe to repeat: what is there is kept, and an interrupted init is finished by the next one. It waits for every
transaction that is open when the slot is created.
With --dry-run it connects to nothing and prints the SQL, kafka-topics and kafka-acls commands that do the same, for
those who give rights by hand.`,
		Example: "  relay init\n  relay init --dry-run",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			return runF(cmd.Context(), dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the commands instead; connect to nothing")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) init(ctx context.Context, dryRun bool) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	if dryRun {
		return writeInitPlan(a.out, l.Config)
	}
	return a.engine.Init(ctx, a.commandSetup(l.Config), a.out)
}
