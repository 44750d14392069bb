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
)

// traceDocument is the document of events find.
type traceDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.Trace
}

type findFlags struct {
	id     string
	format string
	inspect.TraceOptions
}

func newCmdEventsFind(a *app, runF func(context.Context, findFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.eventsFind
	}
	var f findFlags
	var since string
	cmd := &cobra.Command{
		Use:   "find ID",
		Short: "Find out what became of an event",
		Long: `Find out what became of an event: published once, parked, not yet published, or not found. It looks for the row in the
outbox table, compares its transaction with the checkpoint, and reads the topics that may hold it from the time of the
row on (without a row, from their beginning; --since shortens that).

What it cannot know it says: the commit position of a row stands nowhere that can be read without the replication slot,
which this command never touches. So of a row that is not in Kafka it is known that it waits, when its transaction began
after the last published one had committed; that it should be there, when the checkpoint has passed the end that the WAL
had when the row was seen; and in between, nothing. Exit code 6: not found, found more than once, or missing.`,
		Example: "  relay events find 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01\n  relay events find 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01 --topic payment.events -o json",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "json", "yaml"); err != nil {
				return err
			}
			if f.Since, err = parseSince(since, time.Now()); err != nil {
				return usageError(cmd, "--since %s", err)
			}
			if len(args) != 1 || args[0] == "" {
				return usageError(cmd, "name one event by its id")
			}
			f.id = args[0]
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().StringArrayVar(&f.Topics, "topic", nil, "read only this topic; may be repeated")
	cmd.Flags().StringVar(&since, "since", "", "read topics from this time on: RFC 3339, or a duration back, as 24h")
	looks(cmd, fault.ExitWanting)
	return cmd
}

func (a *app) eventsFind(ctx context.Context, f findFlags) error {
	bar := newProgressBar(a.err, isTerminal(a.err))
	f.Progress = func(events int64) { bar.show("records read", events, 0) }
	return a.looking(ctx, 0, func(ctx context.Context, i inspector) error {
		t, err := i.Trace(ctx, f.id, f.TraceOptions)
		bar.end()
		if t.Verdict == "" {
			return err
		}
		if err := writeTrace(a.out, t, f.format); err != nil {
			return err
		}
		if err != nil { // what is missing may be only what could not be looked at
			return err
		}
		return traceWanting(t)
	})
}

// traceWanting is what exits with 6.
func traceWanting(t inspect.Trace) error {
	if t.Verdict.Found() || t.Verdict == inspect.CannotTell {
		return nil
	}
	code := fault.NotFound
	if t.Verdict != inspect.EventNotFound {
		code = fault.NotOnce
	}
	return &fault.Error{Code: code, Summary: "event " + t.ID + ": " + string(t.Verdict)}
}

func writeTrace(w io.Writer, t inspect.Trace, format string) error {
	if format != "table" {
		return writeDocument(w, format, traceDocument{APIVersion: apiVersion, Kind: "EventTrace", Trace: t})
	}
	var lines [][]string
	line := func(cells ...string) {
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		lines = append(lines, cells)
	}
	line("outbox table", tableWord(t.Table), tableText(t.Table))
	line("checkpoint", string(t.Checkpoint.Coverage), t.Checkpoint.Why)
	if p := t.Parked; p != nil {
		line("parked", "found", strings.TrimSpace(p.Position+", "+p.Reason+" "+p.Detail))
	}
	if len(t.Kafka.Events) == 0 {
		line("Kafka", kafkaWord(t.Kafka), kafkaText(t.Kafka))
	}
	for _, e := range t.Kafka.Events {
		line("Kafka", "found", e.Place()+", committed")
	}
	text := align(lines) + "Verdict: " + string(t.Verdict)
	if t.Reason != "" {
		text += ": " + printable(t.Reason)
	}
	_, err := io.WriteString(w, text+".\n")
	return err
}

func tableWord(t inspect.TableTrace) string {
	switch {
	case !t.Looked:
		return "unknown"
	case t.Found:
		return "found"
	}
	return "not found"
}

func tableText(t inspect.TableTrace) string {
	if !t.Found {
		return t.Note
	}
	text := t.Table
	if t.CreatedAt != nil {
		text += ", created " + t.CreatedAt.Format("2006-01-02 15:04:05.000 UTC")
	}
	text += fmt.Sprintf(", transaction %d", t.XID)
	if t.Rows > 1 {
		text += fmt.Sprintf(", %d rows with this id", t.Rows)
	}
	if t.Note != "" {
		text += "; " + t.Note
	}
	return text
}

func kafkaWord(k inspect.KafkaTrace) string {
	if !k.Looked {
		return "unknown"
	}
	return "not found"
}

func kafkaText(k inspect.KafkaTrace) string {
	switch {
	case !k.Looked:
		return k.Note
	case len(k.Topics) == 0:
		return "no topic of the cluster is one that the routing can yield"
	}
	return "in " + strings.Join(k.Topics, ", ")
}
