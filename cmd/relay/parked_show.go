package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// parkedDocument is the document of parked show.
type parkedDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// EventKind is the event's own kind, which that of the document hides.
	EventKind string `json:"event_kind"`
	parkedContent
}

func newCmdParkedShow(a *app, runF func(ctx context.Context, name, format string) error) *cobra.Command {
	if runF == nil {
		runF = a.parkedShow
	}
	cmd := &cobra.Command{
		Use:   "show POSITION|ID",
		Short: "Show a parked event with its headers and value",
		Long: `Show one parked event, by position or id: why it is parked, its headers, and its value. An event that could not be
mapped has the row as it was received instead of a value; in JSON and YAML event_kind tells: record, row or message.`,
		Example: "  relay parked show 00000001-0000000007A41C60-00000000\n  relay parked show 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01 -o json",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "json", "yaml", "name")
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usageError(cmd, "which event? Give its position or id, as `relay parked list` prints it")
			}
			return runF(cmd.Context(), args[0], format)
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitWanting, fault.ExitInterrupted)
	return cmd
}

func (a *app) parkedShow(ctx context.Context, name, format string) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	ctx, cancel := looking(ctx)
	defer cancel()
	found, err := a.engine.ShowParked(ctx, a.commandSetup(l.Config), name)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notParked(name)
	}
	for i, e := range found {
		if i > 0 && format == "table" {
			io.WriteString(a.out, "\n")
		}
		if err := writeParkedEvent(a.out, e, format, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func notParked(name string) error {
	return &fault.Error{
		Code: fault.NotFound, Summary: fmt.Sprintf("no event %q is parked", name),
		Hint: "`relay parked list` shows what is. An event that was retried or skipped is parked no more.",
	}
}

func writeParkedEvent(w io.Writer, e parkedContent, format string, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, parkedDocument{APIVersion: "relay/v1", Kind: "ParkedEvent", EventKind: e.Kind, parkedContent: e})
	case "name":
		_, err := fmt.Fprintln(w, e.name())
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, text string) { fmt.Fprintf(tw, "%s\t%s\n", name, text) }
	line("Event", orNone(e.ID))
	line("Position", e.Position)
	line("Reason", e.Reason)
	if e.Detail != "" {
		line("", e.Detail)
	}
	if e.Behind != "" {
		line("Behind", e.Behind)
	}
	line("Topic", orNone(e.Topic))
	line("Key", e.keyText())
	line("Committed", fmt.Sprintf("%s  by transaction %d", e.Committed.UTC().Format(time.RFC3339Nano), e.XID))
	line("Parked", fmt.Sprintf("%s  (%s ago)  at offset %d", e.Parked.UTC().Format(time.RFC3339), age(now.Sub(e.Parked)), e.Offset))
	for _, h := range e.Headers {
		line("Header", h.Name+"="+valueText(h.Value, h.ValueBase64))
	}
	line(valueName(e.Kind), valueText(e.Value, e.ValueBase64))
	return tw.Flush()
}

// valueName says what the value of a parked event is.
func valueName(kind string) string {
	switch kind {
	case "row":
		return "Row"
	case "message":
		return "Message"
	}
	return "Value"
}

func valueText(text *string, encoded string) string {
	switch {
	case text != nil:
		return *text
	case encoded != "":
		return "base64:" + encoded
	}
	return "null"
}
