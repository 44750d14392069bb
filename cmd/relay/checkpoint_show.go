package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/publisher"
)

// checkpointDocument is the document of checkpoint show.
type checkpointDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.Checkpoint
}

func newCmdCheckpointShow(a *app, runF func(ctx context.Context, name string, f lookFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.checkpointShow
	}
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "show [RELAY]",
		Short: "Show one checkpoint with all its fields",
		Long: `Show the checkpoint of a relay, by default that of the configuration, with all its fields: where it resumes, the last
transaction that was decided (the witness), what the publication looked like, whose it is, and what the replication
slot says. RELAY is a name as "relay checkpoint list" shows it, with the shard behind a dot if there are several.`,
		Example: "  relay checkpoint show\n  relay checkpoint show payments -o json",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "json", "yaml", "name"); err != nil {
				return err
			}
			if err := f.watch.check(cmd); err != nil {
				return err
			}
			return runF(cmd.Context(), strings.Join(args, ""), f)
		},
	}
	f.watch.bind(cmd)
	looks(cmd, fault.ExitWanting)
	return cmd
}

func (a *app) checkpointShow(ctx context.Context, name string, f lookFlags) error {
	return a.show(ctx, f.watch, func(ctx context.Context, i inspector, out io.Writer) error {
		items, err := i.Checkpoints(ctx)
		for _, c := range items {
			if name == "" && c.Configured || name != "" && (name == checkpointName(c) || name == c.Relay) {
				return errors.Join(err, writeCheckpoint(out, c, f.format, time.Now()))
			}
		}
		if err != nil {
			return err
		}
		return inspect.NoRelay(name)
	})
}

func writeCheckpoint(w io.Writer, c inspect.Checkpoint, format string, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, checkpointDocument{APIVersion: apiVersion, Kind: "Checkpoint", Checkpoint: c})
	case "name":
		_, err := fmt.Fprintf(w, "checkpoint/%s\n", checkpointName(c))
		return err
	}
	var lines [][]string
	line := func(name, format string, args ...any) {
		lines = append(lines, []string{name, printable(fmt.Sprintf(format, args...))})
	}
	line("Relay", "%s", checkpointName(c))
	line("Verdict", "%s", verdictText(c))
	if c.Reason != "" {
		line("", "%s", c.Reason)
	}
	if c.Record == nil {
		line("Checkpoint", "none")
	} else {
		writeRecord(line, c.Record, now)
	}
	writeSlot(line, c.Slot)
	_, err := io.WriteString(w, align(lines))
	return err
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

func writeSlot(line func(name, format string, args ...any), s *inspect.Slot) {
	if s == nil {
		line("Slot", "none")
		return
	}
	behind, activity := "", "inactive"
	if s.BehindBytes != nil {
		behind = "  " + byteCount(*s.BehindBytes) + " behind the checkpoint"
	}
	if s.ActivePID != 0 {
		activity = fmt.Sprintf("active (process %d)", s.ActivePID)
	}
	line("Slot", "%s  flush %s%s  %s  WAL %s", s.Name, lsnText(s.ConfirmedFlush), behind, activity, s.WALStatus)
}
