package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdConfigExample(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "example",
		Short: "Print a file with every key, its meaning and its default",
		Long: `Print a configuration file with every key, its meaning and its default. Three keys are needed: name, source.url and
kafka.brokers.`,
		Example: "  relay config example > relay.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "file"); err != nil {
				return err
			}
			_, err := io.WriteString(a.out, config.Example())
			return err
		},
	}
	exits(cmd, fault.ExitDone)
	return cmd
}
