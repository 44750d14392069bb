package main

import (
	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdConfigPrint(a *app, runF func(format string) error) *cobra.Command {
	if runF == nil {
		runF = a.configPrint
	}
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Show the effective configuration and where each value came from",
		Long: `Print the effective configuration as a file, each value with its origin: file and line, variable, flag or default.
Passwords are never shown. With -o json or yaml the same as a document for programs.`,
		Example: "  relay config print\n  RELAY_LOG_LEVEL=debug relay config print -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "file", "json", "yaml")
			if err != nil {
				return err
			}
			return runF(format)
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitConfig)
	return cmd
}

func (a *app) configPrint(format string) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	if format == "file" {
		return l.WriteYAML(a.out)
	}
	return writeDocument(a.out, format, l.View())
}
