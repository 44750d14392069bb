//go:build man

package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/outbox-relay/relay/internal/fault"
)

// newCmdMan writes the manual pages. It is only in the program that `make man` builds: the renderer would make every
// relay larger.
func newCmdMan() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write manual pages",
		Long:    "Write a manual page for every command into a directory, which is made.",
		Example: "  relay man share/man/man1",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			cmd.Root().DisableAutoGenTag = true
			withExitCodes(cmd.Root())
			return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Section: "1", Source: "Relay"}, args[0])
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitFailed)
	return cmd
}

// withExitCodes puts them into the description: the renderer knows nothing of them.
func withExitCodes(cmd *cobra.Command) {
	var texts []string
	for code := range strings.SplitSeq(cmd.Annotations[exitAnnotation], ",") {
		texts = append(texts, code+" "+exitMeaning(code))
	}
	cmd.Long += "\n\nExit codes: " + strings.Join(texts, "; ") + "."
	for _, sub := range cmd.Commands() {
		withExitCodes(sub)
	}
}

func extraCommands() []*cobra.Command { return []*cobra.Command{newCmdMan()} }
