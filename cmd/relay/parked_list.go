package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// parkedList is the document of parked list.
type parkedList struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Items      []parkedEvent `json:"items"`
}

func newCmdParkedList(a *app, runF func(context.Context, parkedSelection, string) error) *cobra.Command {
	if runF == nil {
		runF = a.parkedList
	}
	var s parkedSelection
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List parked events, one line each",
		Long: `List the events in the parked topic in the order in which they were committed: those that could not be published, and
with reason "held" those that wait behind one of the same topic and key. Nothing is fenced or written.`,
		Example: "  relay parked list\n  relay parked list --reason too_large -o wide\n  relay parked list -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "wide", "json", "yaml", "name")
			if err != nil {
				return err
			}
			if err := s.check(cmd); err != nil {
				return err
			}
			return runF(cmd.Context(), s, format)
		},
	}
	s.bind(cmd)
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) parkedList(ctx context.Context, s parkedSelection, format string) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	ctx, cancel := looking(ctx)
	defer cancel()
	items, err := a.engine.Parked(ctx, a.commandSetup(l.Config))
	if err != nil {
		return err
	}
	items = slices.DeleteFunc(items, func(e parkedEvent) bool { return !s.matches(&e) })
	if len(items) == 0 && (format == "table" || format == "wide") {
		said := "Nothing is parked.\n"
		if s.topic != "" || s.reason != "" {
			said = nothingSelected
		}
		io.WriteString(a.err, said)
		return nil
	}
	return writeParked(a.out, items, format, a.flags.noHeaders, time.Now())
}

func writeParked(w io.Writer, items []parkedEvent, format string, noHeaders bool, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, parkedList{APIVersion: "relay/v1", Kind: "ParkedEventList", Items: append([]parkedEvent{}, items...)})
	case "name":
		for _, e := range items {
			if _, err := fmt.Fprintln(w, e.name()); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"POSITION", "ID", "TOPIC", "KEY", "REASON", "SIZE", "PARKED"}, room: room(w)}
	if format == "wide" {
		t.header = append(t.header, "BEHIND", "KIND", "OFFSET", "DETAIL")
	}
	for _, e := range items {
		cells := []string{
			e.Position, orNone(e.ID), orNone(e.Topic), e.keyText(), e.Reason, byteCount(int64(e.Bytes)), age(now.Sub(e.Parked)) + " ago",
		}
		if format == "wide" {
			cells = append(cells, orNone(e.Behind), e.Kind, fmt.Sprint(e.Offset), orNone(e.Detail))
		}
		t.add(cells...)
	}
	return t.write(w, noHeaders)
}
