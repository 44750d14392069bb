package main

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// watchFlag is --watch: how often to look again; 0: look once.
type watchFlag struct{ every time.Duration }

const (
	defaultWatch = 2 * time.Second
	minWatch     = 100 * time.Millisecond
	clearScreen  = "\x1b[H\x1b[2J"
)

func (w *watchFlag) bind(cmd *cobra.Command) {
	cmd.Flags().DurationVarP(&w.every, "watch", "w", 0, "look again every so often, until interrupted")
	cmd.Flags().Lookup("watch").NoOptDefVal = defaultWatch.String()
}

func (w *watchFlag) check(cmd *cobra.Command) error {
	if w.every != 0 && w.every < minWatch {
		return usageError(cmd, "--watch=%s is too often; want at least %s", w.every, minWatch)
	}
	return nil
}

// watch looks and prints once; with --watch again and again, each time on a cleared screen where there is one. What goes
// wrong while watching is shown and looked at again: that is when one watches.
func (a *app) watch(ctx context.Context, w watchFlag, look func(context.Context, io.Writer) error) error {
	if w.every == 0 {
		return look(ctx, a.out)
	}
	for {
		var screen bytes.Buffer
		err := look(ctx, &screen)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if isTerminal(a.out) {
			io.WriteString(a.out, clearScreen)
		}
		if _, err := a.out.Write(screen.Bytes()); err != nil {
			return err
		}
		fault.Write(a.err, err, fault.Style{Colour: a.colour(a.err)})
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(w.every):
		}
	}
}
