package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/publisher"
)

// checkpointDocument is the document of checkpoint show.
type checkpointDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	checkpoint
}

func newCmdCheckpointShow(a *app, runF func(ctx context.Context, name, format string) error) *cobra.Command {
	if runF == nil {
		runF = a.checkpointShow
	}
	cmd := &cobra.Command{
		Use:   "show [RELAY]",
		Short: "Show one checkpoint with all its fields",
		Long: `Show the checkpoint of the configured relay with all its fields: where it resumes, the last transaction that was decided
(the witness), what the publication looked like, whose it is, and what the replication slot says.`,
		Example: "  relay checkpoint show\n  relay checkpoint show payments -o json",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "json", "yaml", "name")
			if err != nil {
				return err
			}
			return runF(cmd.Context(), strings.Join(args, ""), format)
		},
	}
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func (a *app) checkpointShow(ctx context.Context, name, format string) error {
	items, err := a.checkpoints(ctx)
	for _, c := range items {
		if name == "" || name == c.name() {
			return errors.Join(err, writeCheckpoint(a.out, c, format, time.Now()))
		}
	}
	if err != nil {
		return err
	}
	return &fault.Error{
		Code: fault.Failed, Summary: fmt.Sprintf("no checkpoint of a relay named %q", name),
		Hint: "`relay checkpoint list` shows those of this configuration; --config names another one.",
	}
}

func writeCheckpoint(w io.Writer, c checkpoint, format string, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, checkpointDocument{APIVersion: "relay/v1", Kind: "Checkpoint", checkpoint: c})
	case "name":
		_, err := fmt.Fprintf(w, "checkpoint/%s\n", c.name())
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(tw, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("Relay", "%s", c.name())
	line("Verdict", "%s", c.verdict())
	if c.Reason != "" {
		line("", "%s", c.Reason)
	}
	if c.Record == nil {
		line("Checkpoint", "none")
	} else {
		writeRecord(line, c.Record, now)
	}
	writeSlot(line, c.Slot)
	return tw.Flush()
}

func writeRecord(line func(name, format string, args ...any), r *publisher.Checkpoint, now time.Time) {
	line("Resume", "%s  timeline %d  phase %s", r.ResumeLSN, r.Timeline, r.Phase)
	line("Written", "%s  (%s ago)  by %s on %s", r.Time.UTC().Format(time.RFC3339), age(now.Sub(r.Time)), r.Version, r.Host)
	line("Seq", "%d", r.Seq)
	line("Events", "%d since %s", r.EventsTotal, time.UnixMilli(r.Generation).UTC().Format(time.RFC3339))
	if r.Partial != nil {
		line("Partial", "%s  %d pieces", transactionText(r.Partial), r.Pieces)
	}
	if r.Witness != nil {
		line("Witness", "%s", transactionText(r.Witness))
	}
	line("Database", "%s (oid %d) of system %s", r.Database, r.DatabaseOID, r.SystemID)
	line("Kafka", "cluster %s, checkpoint topic %s", r.KafkaClusterID, r.TopicID)
	for _, t := range r.Publication.Tables {
		line("Table", "%s (oid %d)", t.Name, t.OID)
	}
	for _, end := range r.Ends {
		line("Last record", "%s/%d@%d", end.Topic, end.Partition, end.Offset)
	}
	if r.Holds.Parked > 0 {
		line("Parked", "%d events, %d keys held", r.Holds.Parked, r.Holds.Count)
	}
}

func transactionText(t *publisher.Transaction) string {
	return fmt.Sprintf("%s  transaction %d  %s  %d rows", t.CommitLSN, t.XID, time.UnixMicro(t.CommitTime).UTC().Format(time.RFC3339Nano), t.Rows)
}

func writeSlot(line func(name, format string, args ...any), s *slotView) {
	if s == nil {
		line("Slot", "none")
		return
	}
	flush, behind, activity := none, "", "inactive"
	if s.ConfirmedFlush != nil {
		flush = s.ConfirmedFlush.String()
	}
	if s.BehindBytes != nil {
		behind = "  " + byteCount(*s.BehindBytes) + " behind the checkpoint"
	}
	if s.ActivePID != 0 {
		activity = fmt.Sprintf("active (process %d)", s.ActivePID)
	}
	line("Slot", "%s  flush %s%s  %s  WAL %s", s.Name, flush, behind, activity, s.WALStatus)
}
