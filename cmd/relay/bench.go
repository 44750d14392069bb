package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/bench"
	"github.com/outbox-relay/relay/internal/fault"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	bench.Options
	format string
}

func newCmdBench(a *app, runF func(context.Context, benchFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.bench
	}
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and latency from end to end",
		Long: `Measure how fast Relay publishes and what that costs, on the servers of the configuration (source.url and
kafka.brokers; names of relay, slot, tables and topics are not used). Beside each figure stands one to compare it with,
from the same run: pg_recvlogical where it is installed, Relay's reader alone, the bare Kafka transaction.

Everything it makes has a name of its own (schema, publication and slots relay_bench_<name>, topics relay-bench-<name>.)
and is removed afterwards, also when it is interrupted. It refuses when such a name is taken and touches nothing else.
It needs the right to create a schema and replication slots, about 2 GiB of disk at Postgres and Kafka each, and a
machine that has nothing else to do. Targets are printed, a missed one is no error.`,
		Example: `  relay bench -c relay.yaml
  relay bench --only drain --rounds 5 -o json > drain.json
  relay bench --scale 0.01          # shows that it works; the figures mean nothing`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "json", "yaml"); err != nil {
				return err
			}
			if err := f.Validate(); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Name, "name", "", "end of the names of everything that is made (default random)")
	flags.Float64Var(&f.Scale, "scale", 1, "multiply the sizes of all backlogs and the length of all runs")
	flags.IntVar(&f.Rounds, "rounds", 3, "measure everything as often")
	flags.StringSliceVar(&f.Only, "only", nil, "measure only these parts: "+strings.Join(bench.Parts(), ", "))
	flags.StringVar(&f.Profiles, "profiles", "", "write CPU and allocation profiles of the drains to this directory")
	registerCompletion(cmd, "only", bench.Parts()...)
	cmd.AddCommand(newCmdBenchRelay(a), newCmdBenchReceive(a))
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) bench(ctx context.Context, f benchFlags) error {
	a.flags.set = append([]string{"name=bench"}, a.flags.set...) // every relay gets a name of its own
	l, err := a.load()
	if err != nil {
		return err
	}
	o := f.Options
	o.Config = l.Config
	o.Progress = bench.NewLines(a.err, isTerminal(a.err))
	if o.Program, err = os.Executable(); err != nil {
		return fmt.Errorf("find the relay command: %w", err)
	}
	result, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if f.format == "table" {
		return result.WriteTable(a.out)
	}
	return writeDocument(a.out, f.format, result)
}
