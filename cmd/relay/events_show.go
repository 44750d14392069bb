package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
)

// eventDocument is the document of events show.
type eventDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.Event
}

// eventPlace is where an event lies: topic/partition@offset.
type eventPlace struct {
	topic     string
	partition int32
	offset    int64
}

func newCmdEventsShow(a *app, runF func(context.Context, eventPlace, string) error) *cobra.Command {
	if runF == nil {
		runF = a.eventsShow
	}
	cmd := &cobra.Command{
		Use:   "show TOPIC/PARTITION@OFFSET",
		Short: "Show one event with its headers and its payload",
		Long: `Show one committed event: key, headers, what Relay's headers say of the row it came from, and the payload. The place is
written as tail and find print it. An offset that holds no committed event (a transaction marker, an aborted record, one
that is deleted already) exits with 6 and says so.`,
		Example: "  relay events show payment.events/3@99120\n  relay events show payment.events/3@99120 -o json",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "json", "yaml", "name")
			if err != nil {
				return err
			}
			if len(args) != 1 {
				return usageError(cmd, "name one event, as payment.events/3@99120")
			}
			at, err := parsePlace(args[0])
			if err != nil {
				return usageError(cmd, "%s", err)
			}
			return runF(cmd.Context(), at, format)
		},
	}
	looks(cmd, fault.ExitWanting)
	return cmd
}

func parsePlace(text string) (eventPlace, error) {
	wrong := fmt.Errorf("%.300q is no place of an event; want topic/partition@offset, as in payment.events/3@99120", text)
	topic, rest, ok := strings.Cut(text, "/")
	partition, offset, ok2 := strings.Cut(rest, "@")
	if !ok || !ok2 || topic == "" {
		return eventPlace{}, wrong
	}
	p, err1 := strconv.ParseUint(partition, 10, 31)
	o, err2 := strconv.ParseUint(offset, 10, 63)
	if err1 != nil || err2 != nil {
		return eventPlace{}, wrong
	}
	return eventPlace{topic: topic, partition: int32(p), offset: int64(o)}, nil
}

func (a *app) eventsShow(ctx context.Context, at eventPlace, format string) error {
	return a.looking(ctx, commandTimeout, func(ctx context.Context, i inspector) error {
		e, err := i.Event(ctx, at.topic, at.partition, at.offset)
		if err != nil {
			return err
		}
		return writeEvent(a.out, &e, format, isTerminal(a.out))
	})
}

func writeEvent(w io.Writer, e *inspect.Event, format string, terminal bool) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, eventDocument{APIVersion: apiVersion, Kind: "Event", Event: *e})
	case "name":
		_, err := fmt.Fprintf(w, "event/%s\n", e.Place())
		return err
	}
	lines := [][]string{
		{"Event", e.Place()}, {"Time", e.Time.Format(time.RFC3339Nano)}, {"Key", printable(e.Key.String())},
	}
	lines = append(lines, originLines(e.Relay)...)
	for i, h := range e.Headers {
		name := ""
		if i == 0 {
			name = "Headers"
		}
		lines = append(lines, []string{name, printable(h.Name + ": " + h.Value.String())})
	}
	value := "null (a tombstone)"
	if e.Value != nil {
		value = strconv.Itoa(e.ValueBytes) + " bytes"
	}
	text := align(append(lines, []string{"Value", value}))
	if e.Value != nil {
		payload := e.Value.String()
		if terminal { // where escape sequences would do something
			payload = printable(payload)
		}
		text += "\n" + payload + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

func originLines(o *inspect.Origin) [][]string {
	if o == nil {
		return [][]string{{"Relay", "none: another producer wrote this record"}}
	}
	lines := [][]string{
		{"Relay", printable(fmt.Sprintf("%s  event %d since %s", o.Relay, o.Seq, o.Generation.Format(time.RFC3339)))},
		{"Row", fmt.Sprintf("%d of the transaction that committed at %s, timeline %d", o.Index, o.CommitLSN, o.Timeline)},
	}
	if o.Piece > 0 {
		lines = append(lines, []string{"Piece", fmt.Sprintf("%d of its transaction", o.Piece)})
	}
	if o.CommitTime != nil {
		lines = append(lines, []string{"Own time", o.CommitTime.Format(time.RFC3339Nano) + "  (too old for the topic, so it was published with another)"})
	}
	return lines
}
