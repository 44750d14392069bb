package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
)

// eventList is the document of events tail; with -f there is one for each part that came.
type eventList struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Items      []inspect.Event `json:"items"`
}

type tailFlags struct {
	format string
	inspect.TailOptions
}

// maxTail bounds the memory of a tail.
const maxTail = 100_000

func newCmdEventsTail(a *app, runF func(context.Context, tailFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.eventsTail
	}
	var f tailFlags
	var since, key string
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print the last events, and with -f those that come",
		Long: `Print the last committed events of all topics together, one line each; with -f also those that come, until interrupted.
SEQ is the number of the event since init, gapless over all topics of a relay; COMMIT LSN and ROW say which row of which
transaction it was. A record without Relay's headers was written by another producer and has - there.

Payloads are printed only with --values, and then only in JSON and YAML. --since takes a time (RFC 3339) or a duration
back from now, and prints all events from then on unless -n is given. -f goes on when brokers go away and come back.`,
		Example: "  relay events tail -n 50\n  relay events tail -f --topic payment.events --key pay_8812\n  relay events tail --since 10m -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "wide", "json", "yaml", "name"); err != nil {
				return err
			}
			if f.Since, err = parseSince(since, time.Now()); err != nil {
				return usageError(cmd, "--since %s", err)
			}
			if f.Last < 0 || f.Last > maxTail {
				return usageError(cmd, "-n %d is out of range; want 1 to %d, or 0 for all", f.Last, maxTail)
			}
			if since != "" && !cmd.Flags().Changed("last") {
				f.Last = 0
			}
			if cmd.Flags().Changed("key") {
				f.Key = &key
			}
			if f.Values && f.format != "json" && f.format != "yaml" {
				return usageError(cmd, "--values needs -o json or -o yaml")
			}
			return runF(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.Follow, "follow", "f", false, "go on with the events that come")
	flags.StringArrayVar(&f.Topics, "topic", nil, "read only this topic; may be repeated")
	flags.StringVar(&since, "since", "", "only events from this time on: RFC 3339, or a duration back, as 10m")
	flags.StringVar(&key, "key", "", "only events with this key")
	flags.IntVarP(&f.Last, "last", "n", 10, "at most so many of the events that are there; 0 for all")
	flags.BoolVar(&f.Values, "values", false, "print payloads too, in JSON and YAML")
	looks(cmd, fault.ExitWanting)
	return cmd
}

// parseSince reads a time or a duration back from now; empty is the zero time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	back, err := time.ParseDuration(text)
	if err != nil || back < 0 {
		return time.Time{}, fmt.Errorf("%q: want a time as 2026-11-24T09:00:00Z or a duration as 10m", text)
	}
	return now.Add(-back), nil
}

func (a *app) eventsTail(ctx context.Context, f tailFlags) error {
	headers := !a.flags.noHeaders
	printed, foreign := 0, 0
	f.Trouble = func(err error) { fault.Write(a.err, err, fault.Style{Colour: a.colour(a.err)}) }
	err := a.looking(ctx, 0, func(ctx context.Context, i inspector) error {
		return i.Tail(ctx, f.TailOptions, func(events []inspect.Event) error {
			for _, e := range events {
				if printed++; e.Relay == nil {
					foreign++
				}
			}
			l := a.layout()
			l.noHeaders, headers = !headers, false
			return writeEvents(a.out, events, f.format, l)
		})
	})
	switch {
	case err != nil:
	case printed == 0:
		io.WriteString(a.err, "No events.\n")
	case foreign == printed:
		io.WriteString(a.err, "None of these records has Relay's headers: another producer wrote them.\n")
	}
	return err
}

func writeEvents(w io.Writer, events []inspect.Event, format string, l layout) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, eventList{APIVersion: apiVersion, Kind: "EventList", Items: events})
	case "name":
		for _, e := range events {
			if _, err := fmt.Fprintf(w, "event/%s\n", e.Place()); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"TIME", "EVENT", "KEY", "TYPE", "ID", "BYTES", "SEQ", "COMMIT LSN", "ROW"}, room: l.room}
	if format == "wide" {
		t.header = append(t.header, "RELAY", "GENERATION", "PIECE")
	}
	for i := range events {
		cells := eventCells(&events[i])
		if format == "wide" {
			cells = append(cells, eventWideCells(&events[i])...)
		}
		t.add(cells...)
	}
	return t.write(w, l.noHeaders)
}

func eventCells(e *inspect.Event) []string {
	size := strconv.Itoa(e.ValueBytes)
	if e.ValueBytes < 0 {
		size = "null"
	}
	seq, commit, row := none, none, none
	if o := e.Relay; o != nil {
		seq, commit, row = strconv.FormatUint(o.Seq, 10), o.CommitLSN.String(), strconv.FormatUint(uint64(o.Index), 10)
	}
	return []string{
		e.Time.Format("2006-01-02T15:04:05.000Z"), e.Place(), printable(e.Key.String()), orNone(e.Type), orNone(e.ID), size, seq, commit, row,
	}
}

func eventWideCells(e *inspect.Event) []string {
	if e.Relay == nil {
		return []string{none, none, none}
	}
	piece := none
	if e.Relay.Piece > 0 {
		piece = strconv.FormatUint(uint64(e.Relay.Piece), 10)
	}
	return []string{printable(e.Relay.Relay), e.Relay.Generation.Format(time.RFC3339), piece}
}
