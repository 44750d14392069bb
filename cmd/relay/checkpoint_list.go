package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/inspect"
)

// checkpointList is the document of checkpoint list.
type checkpointList struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Items      []inspect.Checkpoint `json:"items"`
}

// lookFlags are those of commands that print what they see.
type lookFlags struct {
	format string
	watch  watchFlag
}

func newCmdCheckpointList(a *app, runF func(ctx context.Context, f lookFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.checkpointList
	}
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the checkpoints of all relays, one line each",
		Long: `List the checkpoints of all relays in the Kafka cluster, those whose topics begin with kafka.checkpoint_topic, one line
for each shard: where it resumes, how many events it has published, how old the checkpoint is, and what the replication
slot says. BEHIND is how far the slot is behind the checkpoint: that is what Postgres sends again after a restart, and
Relay skips.

VERDICT is ok (a relay has the slot), idle (nobody has it, a relay could go on), refused (a session that starts now
would refuse, with the code) or unknown. For the relay of the configuration everything is judged; for others whose
Postgres is the same server their identity, history and slot; the rest are unknown.`,
		Example: "  relay checkpoint list\n  relay checkpoint list -o wide\n  relay checkpoint list -o json\n  relay checkpoint list --watch=5s",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "wide", "json", "yaml", "name"); err != nil {
				return err
			}
			if err := f.watch.check(cmd); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	f.watch.bind(cmd)
	looks(cmd)
	return cmd
}

func (a *app) checkpointList(ctx context.Context, f lookFlags) error {
	return a.show(ctx, f.watch, func(ctx context.Context, i inspector, out io.Writer) error {
		items, err := i.Checkpoints(ctx)
		if len(items) == 0 {
			return err
		}
		return errors.Join(err, writeCheckpoints(out, items, f.format, a.layout(), time.Now()))
	})
}

// layout is how a table is printed.
type layout struct {
	noHeaders bool
	room      int // of a line, 0: any
}

func (a *app) layout() layout { return layout{noHeaders: a.flags.noHeaders, room: room(a.out)} }

func writeCheckpoints(w io.Writer, items []inspect.Checkpoint, format string, l layout, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, checkpointList{APIVersion: apiVersion, Kind: "CheckpointList", Items: items})
	case "name":
		for _, c := range items {
			if _, err := fmt.Fprintf(w, "checkpoint/%s\n", checkpointName(c)); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"RELAY", "SHARD", "RESUME LSN", "EVENTS", "AGE", "SLOT", "SLOT FLUSH", "BEHIND", "VERDICT"}, room: l.room}
	if format == "wide" {
		t.header = append(t.header, "SEQ", "TIMELINE", "PHASE", "WITNESS", "SYSTEM ID", "WRITTEN BY", "TOPIC")
	}
	for _, c := range items {
		cells := checkpointCells(c, now)
		if format == "wide" {
			cells = append(cells, checkpointWideCells(c)...)
		}
		t.add(cells...)
	}
	return t.write(w, l.noHeaders)
}

// none stands for what is not there.
const none = "-"

// checkpointName is relay or relay.shard.
func checkpointName(c inspect.Checkpoint) string {
	if shard := shardText(c); shard != none {
		return c.Relay + "." + shard
	}
	return c.Relay
}

func shardText(c inspect.Checkpoint) string {
	if c.Shard == 0 && (c.Record == nil || c.Record.Of <= 1) {
		return none
	}
	return strconv.Itoa(int(c.Shard))
}

func checkpointCells(c inspect.Checkpoint, now time.Time) []string {
	resume, events, old := none, none, none
	if r := c.Record; r != nil {
		resume, events, old = r.ResumeLSN.String(), strconv.FormatUint(r.EventsTotal, 10), age(now.Sub(r.Time))
	}
	slot, flush, behind := none, none, none
	if s := c.Slot; s != nil {
		slot, flush = s.Name, lsnText(s.ConfirmedFlush)
		if s.BehindBytes != nil {
			behind = byteCount(*s.BehindBytes)
		}
	}
	return []string{c.Relay, shardText(c), resume, events, old, slot, flush, behind, verdictText(c)}
}

func verdictText(c inspect.Checkpoint) string {
	if c.Code != "" {
		return string(c.Verdict) + " [" + c.Code + "]"
	}
	return string(c.Verdict)
}

func checkpointWideCells(c inspect.Checkpoint) []string {
	r := c.Record
	if r == nil {
		return []string{none, none, none, none, none, none, c.Topic}
	}
	witness := none
	if r.Witness != nil {
		witness = r.Witness.CommitLSN.String()
	}
	return []string{
		strconv.FormatUint(r.Seq, 10), strconv.FormatUint(uint64(r.Timeline), 10), string(r.Phase), witness, r.SystemID,
		printable(r.Version + " on " + r.Host), c.Topic,
	}
}
