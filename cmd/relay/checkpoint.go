package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newCmdCheckpoint(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "checkpoint",
		Short: "Look at the checkpoint: how far the relay is",
		Long: `The checkpoint says how far a relay is. It is committed to Kafka in the same transaction as the events before it.
These commands read Kafka and Postgres directly, also while the relay is down. They fence nobody and write nothing.`,
		Example: "  relay checkpoint list\n  relay checkpoint show -o yaml",
	}, newCmdCheckpointList(a, nil), newCmdCheckpointShow(a, nil))
}

// checkpoints looks at the checkpoint of the configured relay. It may give both what Kafka has and the error of a
// Postgres that does not answer.
func (a *app) checkpoints(ctx context.Context) ([]checkpoint, error) {
	l, err := a.load()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no answer within %s", commandTimeout))
	defer cancel()
	return a.engine.Checkpoints(ctx, a.commandSetup(l.Config))
}
