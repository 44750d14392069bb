package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandExplainsItself: long text, example and exit codes, and no line too wide for a terminal.
func TestEveryCommandExplainsItself(t *testing.T) {
	root := newCmdRoot(newApp(fakeEngine{}, io.Discard, io.Discard, nil))
	eachCommand(root, func(cmd *cobra.Command) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
				t.Errorf("short text %q", cmd.Short)
			}
			if len(cmd.Long) <= len(cmd.Short) {
				t.Error("no long text")
			}
			if !strings.Contains(cmd.Example, cmd.CommandPath()) {
				t.Errorf("no example with %q", cmd.CommandPath())
			}
			if cmd.Annotations[exitAnnotation] == "" {
				t.Error("no exit codes")
			}
			for code := range strings.SplitSeq(cmd.Annotations[exitAnnotation], ",") {
				if exitMeaning(code) == "see the documentation" {
					t.Errorf("exit code %s has no meaning", code)
				}
			}
			for line := range strings.Lines(cmd.Long) {
				if len(line) > 121 {
					t.Errorf("line of %d characters: %s", len(line), line)
				}
			}
		})
	})
}

func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, f)
	}
}
