package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// usageError is a command line that cannot be understood.
func usageError(cmd *cobra.Command, format string, args ...any) error {
	return &fault.Error{Code: fault.Usage, Summary: fmt.Sprintf(format, args...), Hint: "`" + cmd.CommandPath() + " --help` shows usage and examples."}
}

// unknownCommand says which command was probably meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	text := fmt.Sprintf("unknown command %q for %q", name, cmd.CommandPath())
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		text += "; did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usageError(cmd, "%s", text)
}

// noArguments refuses any.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd, "unexpected argument %q", args[0])
	}
	return nil
}

// atMostOne allows one argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError(cmd, "unexpected argument %q", args[1])
	}
	return nil
}

// noun makes a command that only groups others ask for one of them.
func noun(cmd *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(verbs...)
	names := make([]string, len(verbs))
	for i, verb := range verbs {
		names[i] = verb.Name()
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return usageError(cmd, "%q needs one of: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	exits(cmd, fault.ExitUsage)
	return cmd
}
