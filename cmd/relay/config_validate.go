package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdConfigValidate(a *app, runF func() error) *cobra.Command {
	if runF == nil {
		runF = a.configValidate
	}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration",
		Long: `Read the configuration as "relay run" would and name everything that is wrong with it, each with its line and column.
Nothing is connected to.`,
		Example: "  relay config validate\n  relay config validate -c staging.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			return runF()
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitConfig)
	return cmd
}

func (a *app) configValidate() error {
	l, err := a.load()
	if err != nil {
		return err
	}
	if _, err := l.Config.Source.Password(); err != nil {
		fmt.Fprintf(a.err, "Warning: %v\n", err)
	}
	where := l.File
	if where == "" {
		where = "the configuration from variables and flags"
	}
	_, err = fmt.Fprintf(a.out, "%s is valid\n", where)
	return err
}
