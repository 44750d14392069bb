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
)

// checkpointList is the document of checkpoint list.
type checkpointList struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Items      []checkpoint `json:"items"`
}

func newCmdCheckpointList(a *app, runF func(ctx context.Context, format string) error) *cobra.Command {
	if runF == nil {
		runF = a.checkpointList
	}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List checkpoints, one line each",
		Long: `List the checkpoints of this relay, one line for each shard: where it resumes, how many events it has published, how old
the checkpoint is, and what the replication slot says. BEHIND is how far the slot is behind the checkpoint: that is
what Postgres sends again after a restart, and Relay skips.`,
		Example: "  relay checkpoint list\n  relay checkpoint list -o wide\n  relay checkpoint list -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "wide", "json", "yaml", "name")
			if err != nil {
				return err
			}
			return runF(cmd.Context(), format)
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) checkpointList(ctx context.Context, format string) error {
	items, err := a.checkpoints(ctx)
	if len(items) == 0 {
		return err
	}
	return errors.Join(err, writeCheckpoints(a.out, items, format, a.flags.noHeaders, time.Now()))
}

func writeCheckpoints(w io.Writer, items []checkpoint, format string, noHeaders bool, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, checkpointList{APIVersion: "relay/v1", Kind: "CheckpointList", Items: items})
	case "name":
		for _, c := range items {
			if _, err := fmt.Fprintf(w, "checkpoint/%s\n", c.name()); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"RELAY", "SHARD", "RESUME LSN", "EVENTS", "AGE", "SLOT", "SLOT FLUSH", "BEHIND", "VERDICT"}}
	if format == "wide" {
		t.header = append(t.header, "SEQ", "TIMELINE", "PHASE", "WITNESS", "SYSTEM ID", "WRITTEN BY")
	}
	for _, c := range items {
		cells := c.cells(now)
		if format == "wide" {
			cells = append(cells, c.wideCells()...)
		}
		t.add(cells...)
	}
	return t.write(w, noHeaders)
}

// none stands for what is not there.
const none = "-"

// name is relay or relay.shard.
func (c checkpoint) name() string {
	if shard := c.shard(); shard != none {
		return c.Relay + "." + shard
	}
	return c.Relay
}

func (c checkpoint) shard() string {
	if c.Record == nil || c.Record.Of <= 1 {
		return none
	}
	return strconv.Itoa(int(c.Record.Shard))
}

func (c checkpoint) cells(now time.Time) []string {
	resume, events, old := none, none, none
	if r := c.Record; r != nil {
		resume, events, old = r.ResumeLSN.String(), strconv.FormatUint(r.EventsTotal, 10), age(now.Sub(r.Time))
	}
	slot, flush, behind := none, none, none
	if s := c.Slot; s != nil {
		slot = s.Name
		if s.ConfirmedFlush != nil {
			flush = s.ConfirmedFlush.String()
		}
		if s.BehindBytes != nil {
			behind = byteCount(*s.BehindBytes)
		}
	}
	return []string{c.Relay, c.shard(), resume, events, old, slot, flush, behind, c.verdict()}
}

func (c checkpoint) verdict() string {
	if c.Code != "" {
		return string(c.Verdict) + " [" + c.Code + "]"
	}
	return string(c.Verdict)
}

func (c checkpoint) wideCells() []string {
	r := c.Record
	if r == nil {
		return []string{none, none, none, none, none, none}
	}
	witness := none
	if r.Witness != nil {
		witness = r.Witness.CommitLSN.String()
	}
	return []string{
		strconv.FormatUint(r.Seq, 10), strconv.FormatUint(uint64(r.Timeline), 10), string(r.Phase), witness, r.SystemID,
		r.Version + " on " + r.Host,
	}
}
