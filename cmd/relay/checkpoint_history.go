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

// checkpointHistory is the document of checkpoint history.
type checkpointHistory struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.History
}

type historyFlags struct {
	format string
	relay  string
	limit  int
}

// maxHistory bounds the memory of a history: a record has 1 to 4 KiB.
const maxHistory = 10_000

func newCmdCheckpointHistory(a *app, runF func(context.Context, historyFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.checkpointHistory
	}
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history [RELAY]",
		Short: "Show how a checkpoint moved, newest first",
		Long: `Show the records that the checkpoint topic of a relay still holds, newest first: checkpoints with the events that each
brought, idle ones that only moved on, the barrier that each session wrote when it began, and what cannot be read.

The topic is compacted: after an hour or so only the last record of each kind is left. The last line says how far back
the topic reaches.`,
		Example: "  relay checkpoint history\n  relay checkpoint history ledger -n 100 -o json",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "wide", "json", "yaml"); err != nil {
				return err
			}
			if f.limit < 1 || f.limit > maxHistory {
				return usageError(cmd, "-n %d is out of range; want 1 to %d", f.limit, maxHistory)
			}
			f.relay = strings.Join(args, "")
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().IntVarP(&f.limit, "last", "n", 20, "show at most so many records")
	looks(cmd, fault.ExitWanting, fault.ExitRefused)
	return cmd
}

func (a *app) checkpointHistory(ctx context.Context, f historyFlags) error {
	return a.looking(ctx, commandTimeout, func(ctx context.Context, i inspector) error {
		h, err := i.History(ctx, f.relay, f.limit)
		if err != nil {
			return err
		}
		if err := writeHistory(a.out, h, f.format, a.layout(), time.Now()); err != nil {
			return err
		}
		if f.format == "table" || f.format == "wide" {
			io.WriteString(a.err, reach(h, time.Now())+"\n")
		}
		return nil
	})
}

func writeHistory(w io.Writer, h inspect.History, format string, l layout, now time.Time) error {
	if format == "json" || format == "yaml" {
		return writeDocument(w, format, checkpointHistory{APIVersion: apiVersion, Kind: "CheckpointHistory", History: h})
	}
	t := table{header: []string{"OFFSET", "AGE", "WHAT", "RESUME LSN", "SEQ", "EVENTS", "TOTAL", "WRITTEN BY"}, room: l.room}
	if format == "wide" {
		t.header = append(t.header, "TIME", "EPOCH", "TIMELINE", "WITNESS")
	}
	for _, e := range h.Items {
		cells := historyCells(e, now)
		if format == "wide" {
			cells = append(cells, historyWideCells(e)...)
		}
		t.add(cells...)
	}
	return t.write(w, l.noHeaders)
}

func historyCells(e inspect.HistoryEntry, now time.Time) []string {
	seq, events, total, by := none, none, none, printable(e.Problem)
	if e.Events != nil {
		events = "+" + strconv.FormatUint(*e.Events, 10)
	}
	if r := e.Record; r != nil {
		seq, total, by = strconv.FormatUint(r.Seq, 10), strconv.FormatUint(r.EventsTotal, 10), printable(r.Version+" on "+r.Host)
	}
	if b := e.Barrier; b != nil {
		by = printable(b.Version + " on " + b.Host)
	}
	return []string{strconv.FormatInt(e.Offset, 10), age(now.Sub(e.Time)), e.What, lsnText(e.ResumeLSN), seq, events, total, by}
}

func historyWideCells(e inspect.HistoryEntry) []string {
	timeline, witness := none, none
	if r := e.Record; r != nil {
		timeline = strconv.FormatUint(uint64(r.Timeline), 10)
		if r.Witness != nil {
			witness = r.Witness.CommitLSN.String()
		}
	}
	if b := e.Barrier; b != nil {
		timeline = strconv.FormatUint(uint64(b.Timeline), 10)
	}
	return []string{e.Time.UTC().Format(time.RFC3339), strconv.Itoa(int(e.Epoch)), timeline, witness}
}

// reach says how far back the topic goes.
func reach(h inspect.History, now time.Time) string {
	switch {
	case h.Oldest == nil:
		return "Topic " + h.Topic + " holds no record."
	case h.Complete:
		return fmt.Sprintf("That is all topic %s holds: it reaches back %s; older records are compacted away.", h.Topic, age(now.Sub(*h.Oldest)))
	}
	return fmt.Sprintf("Topic %s reaches back %s, to %s; -n shows more.", h.Topic, age(now.Sub(*h.Oldest)), h.Oldest.Format(time.RFC3339))
}
