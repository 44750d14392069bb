package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/bench"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
)

// The hidden commands here are the processes that `relay bench` measures.

// newCmdBenchRelay is `relay run --once` that writes down what it needed.
func newCmdBenchRelay(a *app) *cobra.Command {
	m := measured{engine: a.engine}
	cmd := &cobra.Command{
		Use:     "relay",
		Short:   "Publish a backlog and write down what it took",
		Hidden:  true,
		Long:    "Do what \"relay run --once\" does and write to a file what it took. The benchmark runs this.",
		Example: `  relay bench relay --report report.json`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.engine = m
			return a.run(cmd.Context(), runFlags{runOptions: runOptions{once: true}})
		},
	}
	cmd.Flags().StringVar(&m.report, "report", "", "file to write")
	cmd.Flags().StringVar(&m.profile, "profile", "", "beginning of the names of profiles to write")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

// measured is an engine that is looked at while it runs.
type measured struct {
	engine
	report, profile string
}

// Run is the daemon.
func (m measured) Run(ctx context.Context, s setup, o runOptions) error {
	stop, err := bench.Profile(m.profile)
	if err != nil {
		return err
	}
	probe := bench.StartProbe(ctx, s.status)
	err = m.engine.Run(ctx, s, o)
	errReport := probe.Write(m.report)
	return cmp.Or(err, errReport, stop())
}

// newCmdBenchReceive receives and publishes nothing.
func newCmdBenchReceive(a *app) *cobra.Command {
	var report, until string
	cmd := &cobra.Command{
		Use:    "receive",
		Short:  "Receive a backlog and write down what it took",
		Hidden: true,
		Long: `Receive and decode everything that commits before an LSN, throw it away, and write to a file what it took. The benchmark
runs this.`,
		Example: `  relay bench receive --until 0/7A41C98 --report report.json`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := outbox.ParseLSN(until)
			if err != nil {
				return usageError(cmd, "--until: %s", err)
			}
			l, err := a.load()
			if err != nil {
				return err
			}
			limitMemory(l.Config.Batch.Memory, a.getenv("GOMEMLIMIT"))
			return bench.Receive(cmd.Context(), sourceConfig(l.Config), end, report)
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "stop at this LSN")
	cmd.Flags().StringVar(&report, "report", "", "file to write")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}
