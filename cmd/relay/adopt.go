package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
)

func newCmdAdopt(a *app, runF func(context.Context, adoptOptions) error) *cobra.Command {
	if runF == nil {
		runF = a.adopt
	}
	var o adoptOptions
	var from string
	cmd := &cobra.Command{
		Use:   "adopt --from LSN",
		Short: "Write a checkpoint for a slot that is there",
		Long: `Write a new checkpoint for a replication slot that exists, when there is none or it can no longer be used. Everything
that committed before the LSN counts as published, everything from it on is published.

An LSN before the slot's confirmed position is refused: Postgres does not send that again. One that would leave out
events needs --accept-loss, one that would repeat events --accept-duplicates; without them the range is named.`,
		Example: "  relay adopt --from 0/7A41C98\n  relay adopt --from 0/7B00128 --accept-loss",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			if from == "" {
				return usageError(cmd, "--from is missing: the LSN from which events are published")
			}
			var err error
			if o.from, err = outbox.ParseLSN(from); err != nil {
				return usageError(cmd, "--from: %s", err)
			}
			return runF(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "publish what committed at or after this LSN, as in 0/7A41C98")
	cmd.Flags().BoolVar(&o.acceptLoss, "accept-loss", false, "leave out what lies between the known position and --from")
	cmd.Flags().BoolVar(&o.acceptDuplicates, "accept-duplicates", false, "publish again what lies between --from and the checkpoint")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) adopt(ctx context.Context, o adoptOptions) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	return a.engine.Adopt(ctx, a.commandSetup(l.Config), o, a.out)
}

// commandSetup is for commands that end by themselves: progress is what they print, so only warnings are logged, unless
// more is asked for.
func (a *app) commandSetup(c config.Config) setup {
	log := c.Log
	if log.Level == config.Default().Log.Level {
		log.Level = "warn"
	}
	return a.newSetup(c, newLogger(a.err, log, isTerminal(a.err), a.colour(a.err)))
}
