package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
)

// lagDocument is the document of lag.
type lagDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.Lag
}

type lagFlags struct {
	lookFlags
	max time.Duration // negative: no limit
}

func newCmdLag(a *app, runF func(context.Context, lagFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.lag
	}
	f := lagFlags{max: -1}
	cmd := &cobra.Command{
		Use:   "lag",
		Short: "Print how many seconds the relay is behind",
		Long: `Print how many seconds ago the oldest event was written that is not published: one number, for scripts. It is 0 when
nothing waits. -o wide adds bytes of WAL, waiting events and where the number comes from; --max makes the exit code 6
when it is more.

It is read from Postgres and Kafka, also while the relay is down. The checkpoint names the last transaction that was
published; rows of the outbox table that are newer wait. Where the table cannot tell (WAL messages, no created_at, no
right to read it) the daemon on this host is asked, and without one the time since that last transaction stands in: an
upper bound, printed with <= before it.`,
		Example: "  relay lag\n  relay lag --max 30s || page-somebody\n  relay lag -o wide --watch",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "wide", "json", "yaml"); err != nil {
				return err
			}
			if f.max < 0 && cmd.Flags().Changed("max") {
				return usageError(cmd, "--max %s is negative", f.max)
			}
			if err := f.watch.check(cmd); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().DurationVar(&f.max, "max", -1, "exit with 6 when the relay is further behind, as 30s")
	cmd.Flags().Lookup("max").DefValue = "" // none
	f.watch.bind(cmd)
	looks(cmd, fault.ExitRefused, fault.ExitWanting)
	return cmd
}

func (a *app) lag(ctx context.Context, f lagFlags) error {
	return a.show(ctx, f.watch, func(ctx context.Context, i inspector, out io.Writer) error {
		l, err := i.Lag(ctx)
		if err != nil {
			return err
		}
		return errors.Join(writeLag(out, l, f.format, a.layout()), tooFar(l, f.max))
	})
}

// tooFar is what exits with 6.
func tooFar(l inspect.Lag, most time.Duration) error {
	if most < 0 || l.Seconds <= most.Seconds() {
		return nil
	}
	f := &fault.Error{
		Code: fault.TooFarBehind, Summary: fmt.Sprintf("relay %s is %s behind, more than %s", l.Relay, secondsText(l.Seconds), most),
		Hint: "`relay status` shows whether it moves.",
	}
	if l.AtMost {
		f.Summary = fmt.Sprintf("relay %s may be %s behind, more than %s", l.Relay, secondsText(l.Seconds), most)
		f.Hint = "That is an upper bound: the last event that was published is so old, and nobody could be asked whether others wait. " + l.Note
	}
	return f
}

func writeLag(w io.Writer, l inspect.Lag, format string, layout layout) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, lagDocument{APIVersion: apiVersion, Kind: "Lag", Lag: l})
	case "wide":
		events := none
		if l.Events != nil {
			events = strconv.FormatInt(*l.Events, 10)
		}
		t := table{header: []string{"RELAY", "LAG", "BYTES", "EVENTS", "RESUME LSN", "WAL END", "BASIS"}, room: layout.room}
		t.add(l.Relay, lagText(&l), byteCount(int64(l.Bytes)), events, l.ResumeLSN.String(), l.WALEnd.String(), string(l.Basis))
		return t.write(w, layout.noHeaders)
	}
	bound := ""
	if l.AtMost {
		bound = "<= "
	}
	_, err := fmt.Fprintf(w, "%s%s\n", bound, strconv.FormatFloat(l.Seconds, 'f', 3, 64))
	return err
}

// lagText is a lag with its unit.
func lagText(l *inspect.Lag) string {
	if l.AtMost {
		return "<= " + secondsText(l.Seconds)
	}
	return secondsText(l.Seconds)
}

func secondsText(s float64) string {
	if s < 60 {
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	}
	return age(time.Duration(s * float64(time.Second)))
}
