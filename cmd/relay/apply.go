package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// applyFlags are those of commands that change what cannot be changed back: they print a plan first.
type applyFlags struct {
	apply, yes bool
}

func (f *applyFlags) bind(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.apply, "apply", false, "carry the plan out")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "carry the plan out without asking, as --apply; for scripts")
}

// confirmed tells whether a printed plan is to be carried out: by flag, or because a person types the relay's name. It
// says so when nothing will be done.
func (a *app) confirmed(f applyFlags, relay string) bool {
	if f.apply || f.yes {
		return true
	}
	in, isFile := a.in.(*os.File)
	if isFile && !isTerminal(in) {
		io.WriteString(a.err, "Nothing has been changed. --apply carries the plan out.\n")
		return false
	}
	fmt.Fprintf(a.err, "Type the relay's name, %s, to carry the plan out: ", relay)
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if strings.TrimSpace(answer) == relay {
		return true
	}
	if err != nil {
		io.WriteString(a.err, "\n")
	}
	io.WriteString(a.err, "Nothing has been changed.\n")
	return false
}
