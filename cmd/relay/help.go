package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// exitAnnotation holds the exit codes of a command.
const exitAnnotation = "exit"

// exits notes the exit codes of a command for its help; done and usage are always among them.
func exits(cmd *cobra.Command, codes ...int) {
	codes = append(codes, fault.ExitUsage)
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	slices.Sort(codes)
	var texts []string
	for _, code := range slices.Compact(codes) {
		texts = append(texts, strconv.Itoa(code))
	}
	cmd.Annotations[exitAnnotation] = strings.Join(texts, ",")
}

// exitMeaning is what an exit code says.
func exitMeaning(code string) string {
	switch code {
	case "0":
		return "done"
	case "1":
		return "failed"
	case "2":
		return "wrong usage"
	case "3":
		return "configuration invalid"
	case "4":
		return "refused: a person must decide"
	case "5":
		return "Postgres, Kafka or daemon unreachable"
	case "6":
		return "looked and found wanting"
	case "7":
		return "timed out"
	case "130":
		return "interrupted"
	}
	return "see the documentation"
}

// printHelp prints long text, usage, examples, commands, flags and exit codes.
func printHelp(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	b.WriteString(long + "\n\nUsage:\n")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("  " + cmd.CommandPath() + " COMMAND [flags]\n")
	} else {
		b.WriteString("  " + cmd.UseLine() + "\n")
	}
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n" + cmd.Example + "\n")
	}
	writeCommands(&b, cmd)
	if cmd.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n" + cmd.LocalFlags().FlagUsages())
	}
	if cmd.HasAvailableInheritedFlags() {
		b.WriteString("\nGlobal flags:\n" + cmd.InheritedFlags().FlagUsages())
	}
	if codes := cmd.Annotations[exitAnnotation]; codes != "" {
		b.WriteString("\nExit codes:\n")
		for code := range strings.SplitSeq(codes, ",") {
			fmt.Fprintf(&b, "  %-4s %s\n", code, exitMeaning(code))
		}
	}
	// Help that cannot be printed has nowhere else to go.
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
}

func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	b.WriteString("\nCommands:\n")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-12s %s\n", sub.Name(), sub.Short)
		}
	}
}
