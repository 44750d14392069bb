package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

type waitFlags struct {
	goal    inspect.Goal
	timeout time.Duration
}

func newCmdWait(a *app, runF func(context.Context, waitFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.wait
	}
	var f waitFlags
	var goal string
	cmd := &cobra.Command{
		Use:   "wait --for GOAL",
		Short: "Wait until the relay has come somewhere",
		Long: `Wait until the relay has come somewhere, for scripts and tests:

  caught-up     everything that committed before this command began is published
  lsn=LSN       everything that committed before that LSN is published
  event=ID      the event with that id is in Kafka, committed
  state=STATE   the relay is in that state, as streaming

It looks at Postgres and Kafka twice a second; servers that cannot be reached are waited for too. The checkpoint of a
relay that has nothing to publish follows the WAL every 10 seconds, so caught-up and lsn may take as long. A state comes
from the daemon on this host; without one, streaming is taken from the servers: somebody reads the slot, and a session
that starts now would not refuse. When the time is over it exits with 7, or with 5 if a server did not answer at last.`,
		Example: "  relay wait --for caught-up --timeout 2m\n  relay wait --for event=0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01\n  relay wait --for state=streaming",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			var err error
			if f.goal, err = parseGoal(goal); err != nil {
				return usageError(cmd, "--for %s", err)
			}
			if f.timeout <= 0 {
				return usageError(cmd, "--timeout %s is no time to wait", f.timeout)
			}
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&goal, "for", "", "caught-up, lsn=LSN, event=ID or state=STATE")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "give up after this time")
	registerCompletion(cmd, "for", "caught-up", "lsn=", "event=", "state=streaming")
	looks(cmd, fault.ExitTimeout)
	return cmd
}

func parseGoal(text string) (inspect.Goal, error) {
	name, value, _ := strings.Cut(text, "=")
	switch {
	case text == "":
		return inspect.Goal{}, fmt.Errorf("is missing: caught-up, lsn=LSN, event=ID or state=STATE")
	case text == "caught-up":
		return inspect.Goal{CaughtUp: true}, nil
	case name == "lsn":
		lsn, err := outbox.ParseLSN(value)
		if err == nil && lsn == 0 {
			err = fmt.Errorf("0/0 is before everything")
		}
		if err != nil {
			return inspect.Goal{}, fmt.Errorf("lsn: %w", err)
		}
		return inspect.Goal{LSN: lsn}, nil
	case name == "event" && value != "":
		return inspect.Goal{Event: value}, nil
	case name == "state":
		for _, state := range status.States() {
			if value == string(state) {
				return inspect.Goal{State: state}, nil
			}
		}
		return inspect.Goal{}, fmt.Errorf("state=%s: no such state; there are %s", value, stateNames())
	}
	return inspect.Goal{}, fmt.Errorf("%s: want caught-up, lsn=LSN, event=ID or state=STATE", text)
}

func stateNames() string {
	var names []string
	for _, state := range status.States() {
		names = append(names, string(state))
	}
	return strings.Join(names, ", ")
}

func (a *app) wait(ctx context.Context, f waitFlags) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return a.engine.Wait(ctx, a.commandSetup(l.Config), f.goal, func(text string) { io.WriteString(a.err, text+"\n") })
}
