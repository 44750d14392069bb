package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestReference keeps docs/commands.md, which holds the help of every command, as the program prints it.
// UPDATE_SCRIPTS=1 writes it anew.
func TestReference(t *testing.T) {
	const page = "../../docs/commands.md"
	want := reference()
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("UPDATE_SCRIPTS=1 go test ./cmd/relay -run Reference writes it anew (-program +page):\n%s", diff)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `relay COMMAND --help` prints. `make man` makes manual pages of the same.\n")
	eachCommand(newCmdRoot(newApp(fakeEngine{}, io.Discard, io.Discard, nil)), func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		b.WriteString("\n## " + cmd.CommandPath() + "\n\n```text\n")
		cmd.SetOut(&b)
		printHelp(cmd, nil)
		b.WriteString("```\n")
	})
	return b.String()
}
