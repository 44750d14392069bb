package main

import (
	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdCheckpoint(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "checkpoint",
		Short: "Look at checkpoints: how far relays are",
		Long: `The checkpoint says how far a relay is. It is committed to Kafka in the same transaction as the events before it.
These commands read Kafka and Postgres directly, also while the relay is down. They fence nobody and write nothing.`,
		Example: "  relay checkpoint list\n  relay checkpoint show -o yaml\n  relay checkpoint history -n 50",
	}, newCmdCheckpointList(a, nil), newCmdCheckpointShow(a, nil), newCmdCheckpointHistory(a, nil))
}

// looks are the exit codes of a command that only looks.
func looks(cmd *cobra.Command, more ...int) {
	exits(cmd, append(more, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitUnreachable, fault.ExitInterrupted)...)
}
