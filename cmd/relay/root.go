package main

import (
	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdRoot(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Publish a Postgres outbox to Kafka, exactly once",
		Long: `Relay reads the outbox of a Postgres database through logical replication and publishes each event to Kafka exactly
once: events and the position they were read at go into one Kafka transaction.

A new relay takes three steps: apply the migrations (relay migrate print), create slot and checkpoint (relay init),
start it (relay run).`,
		Example: `  relay config example > relay.yaml
  relay migrate print | psql -1 -v ON_ERROR_STOP=1 -f - shop
  relay init
  relay run`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	flags := cmd.PersistentFlags()
	flags.StringVarP(&a.flags.config, "config", "c", "", "configuration file (default $"+config.ConfigVariable+", relay.yaml, /etc/relay/relay.yaml)")
	flags.StringArrayVar(&a.flags.set, "set", nil, "set one key of the configuration, as log.level=debug; may be repeated")
	flags.StringVar(&a.flags.color, "color", "auto", "colours on standard error: auto, always or never")
	flags.StringVarP(&a.flags.output, "output", "o", "", "output format: table, wide, json, yaml or name, as the command allows")
	flags.BoolVar(&a.flags.noHeaders, "no-headers", false, "leave out the header line of tables")
	registerCompletion(cmd, "color", "auto", "always", "never")
	registerCompletion(cmd, "output", "table", "wide", "json", "yaml", "name")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError(cmd, "%s", err) })
	cmd.SetHelpFunc(printHelp)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.checkFlags(cmd) }
	cmd.AddCommand(
		newCmdRun(a, nil), newCmdInit(a, nil), newCmdAdopt(a, nil), newCmdRepair(a, nil), newCmdDrop(a, nil), newCmdStatus(a, nil), newCmdLag(a, nil), newCmdWait(a, nil),
		newCmdCheckpoint(a), newCmdEvents(a), newCmdParked(a), newCmdAudit(a, nil), newCmdDoctor(a, nil),
		newCmdPause(a), newCmdResume(a), newCmdReload(a), newCmdConfig(a), newCmdMigrate(a),
		newCmdBench(a, nil), newCmdExplain(a), newCmdVersion(a), newCmdCompletion(a),
	)
	cmd.AddCommand(extraCommands()...)
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitUsage, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

// checkFlags checks the values of global flags before any command runs.
func (a *app) checkFlags(cmd *cobra.Command) error {
	switch a.flags.color {
	case "auto", "always", "never":
		return nil
	}
	return usageError(cmd, "--color %q is none of auto, always, never", a.flags.color)
}

// registerCompletion offers fixed values for a flag of cmd, which must exist.
func registerCompletion(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist: a mistake in this package
	}
}
