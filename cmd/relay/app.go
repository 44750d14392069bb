package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

// app is what all commands share.
type app struct {
	engine  engine
	out     io.Writer // data
	err     io.Writer // progress, warnings, hints
	in      io.Reader // answers to questions
	environ []string
	flags   globalFlags
	lead    string // what the running command could not do, as "cannot start"
	daemon  bool   // the command has its own answer to signals
	exit    func(code int)
}

// globalFlags are the flags of every command.
type globalFlags struct {
	config    string
	set       []string
	color     string
	output    string
	noHeaders bool
}

func newApp(e engine, out, err io.Writer, environ []string) *app {
	return &app{engine: e, out: out, err: err, in: os.Stdin, environ: environ, exit: os.Exit}
}

// main runs one command line and gives the exit code.
func (a *app) main(args []string) int {
	root := newCmdRoot(a)
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	ctx, release := interruptible(context.Background(), a.exit)
	defer release()
	err := root.ExecuteContext(ctx)
	if err != nil && !a.daemon && errors.Is(context.Cause(ctx), errInterrupted) {
		io.WriteString(a.err, "relay: interrupted\n")
		return fault.ExitInterrupted
	}
	fault.Write(a.err, err, fault.Style{Lead: a.lead, Colour: a.colour(a.err)})
	return fault.Exit(err)
}

// load reads the configuration and says on standard error what is odd about it.
func (a *app) load() (*config.Loaded, error) {
	l, err := config.Load(a.loading())
	if err != nil {
		return nil, err
	}
	for _, warning := range l.Warnings {
		io.WriteString(a.err, "Warning: "+warning+"\n")
	}
	return l, nil
}

// loading says where the configuration comes from.
func (a *app) loading() config.Options {
	return config.Options{Path: a.flags.config, Environ: a.environ, Set: a.flags.set}
}

// getenv is the value of a variable, empty when it is not set.
func (a *app) getenv(name string) string {
	for _, assignment := range a.environ {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	return ""
}

// colour tells whether escape sequences may go to w: --color, else NO_COLOR and TERM=dumb, else whether it is a
// terminal.
func (a *app) colour(w io.Writer) bool {
	switch a.flags.color {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
