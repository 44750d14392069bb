package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

// auditFlags are the flags of audit.
type auditFlags struct {
	since     time.Duration
	topics    []string
	rowsMayGo bool
	wait      time.Duration
	memory    string
	dir       string
	report    string
	format    string
}

// auditDocument is the document of audit, and its report file.
type auditDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	*audit.Report
}

func newCmdAudit(a *app, runF func(context.Context, auditFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.audit
	}
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that each event is in Kafka exactly once",
		Long: `Compare the outbox table with Kafka, event by event and in both directions, and check the relay's own count: relay-seq
must be gapless over all topics and grow in each partition. Without a table that count is all there is to check.

It reads and never writes, fences nobody, and runs beside a relay at work as well as without one. A relay at work has
--wait to publish what was in the table. Rows that are not in Kafka after that are "waiting": exit code 7, since nothing
is proved of them yet.

The topics are those that the routing can name, those that rows name, those of the checkpoint, and those of --topic.
That they are all needs no belief: a topic that is left out leaves a gap in relay-seq.

What cannot be told is said apart and is no error: rows older than the relay, and what retention or compaction has
taken out of Kafka. A record without a row is reported only if older rows are still in the table; where rows are deleted
one by one, leave that out with --rows-may-go.`,
		Example: `  relay audit
  relay audit --since 24h --report audit.json
  relay audit -o json | jq '.findings[] | select(.count > 0)'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "json", "yaml"); err != nil {
				return err
			}
			if f.since < 0 || f.wait < 0 {
				return usageError(cmd, "--since and --wait are lengths of time and cannot be negative")
			}
			return runF(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&f.since, "since", 0, "leave out what is older, as 24h (default: everything)")
	flags.StringSliceVar(&f.topics, "topic", nil, "read this topic too; may be repeated")
	flags.BoolVar(&f.rowsMayGo, "rows-may-go", false, "rows are deleted one by one: a record without a row is no error")
	flags.DurationVar(&f.wait, "wait", time.Minute, "how long a relay at work may take to publish what is in the table")
	flags.StringVar(&f.memory, "memory", "64MiB", "memory for the comparison; what does not fit goes to temporary files")
	flags.StringVar(&f.dir, "temp-dir", "", "directory of temporary files, about 150 bytes for each event (default $TMPDIR)")
	flags.StringVar(&f.report, "report", "", "write the whole report to this file, as JSON")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitWanting, fault.ExitTimeout, fault.ExitInterrupted)
	return cmd
}

func (a *app) audit(ctx context.Context, f auditFlags) error {
	o := audit.Options{Topics: f.topics, RowsMayGo: f.rowsMayGo, Wait: f.wait, Dir: f.dir}
	var memory config.Size
	if err := memory.UnmarshalText([]byte(f.memory)); err != nil {
		return &fault.Error{Code: fault.Usage, Summary: "--memory cannot be read", Err: err, Hint: "Write it as 64MiB."}
	}
	o.Memory = int(memory)
	if f.since > 0 {
		o.Since = time.Now().Add(-f.since)
	}
	l, err := a.load()
	if err != nil {
		return err
	}
	bar := newProgressBar(a.err, isTerminal(a.err))
	o.Progress = func(stage audit.Stage, done, total int64) { bar.show(string(stage), done, total) }
	report, err := a.engine.Audit(ctx, a.commandSetup(l.Config), o)
	bar.end()
	if err != nil {
		return err
	}
	return errors.Join(a.writeReport(report, f), auditVerdict(report))
}

func (a *app) writeReport(r *audit.Report, f auditFlags) error {
	doc := auditDocument{APIVersion: "relay/v1", Kind: "AuditReport", Report: r}
	if f.report != "" {
		if err := writeReportFile(f.report, doc); err != nil {
			return err
		}
	}
	if f.format != "table" {
		return writeDocument(a.out, f.format, doc)
	}
	return writeAudit(a.out, r)
}

func writeReportFile(name string, doc auditDocument) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := errors.Join(writeDocument(file, "json", doc), file.Close()); err != nil {
		return fmt.Errorf("write report %s: %w", name, err)
	}
	return nil
}

// auditVerdict is the error that the exit code comes from.
func auditVerdict(r *audit.Report) error {
	if wrong := r.Wrong(); wrong > 0 {
		return &fault.Error{
			Code: fault.AuditFailed, Summary: fmt.Sprintf("audit of relay %q found %s that should not be", r.Relay, thousands(wrong)),
			Hint: "Nothing was changed. `relay events find ID` shows where an event is; docs/guarantees.md says what can lose or repeat events in spite of Relay.",
		}
	}
	if waiting := r.Undecided(); waiting > 0 {
		return &fault.Error{
			Code: fault.TimedOut, Summary: fmt.Sprintf("%s rows are not in Kafka yet: the checkpoint stands at %s", thousands(waiting), r.Checkpoint.ResumeLSN),
			Hint: "Is the relay running? `relay checkpoint list` tells. If it is only slow, give it more time with --wait.",
		}
	}
	return nil
}

// shownItems is how many findings of a kind are printed; the report file has more.
const shownItems = 10

func writeAudit(w io.Writer, r *audit.Report) error {
	out := &lineWriter{w: w}
	if rows := r.Rows; rows != nil {
		out.number("rows in the table", rows.Asked)
		out.number("  in Kafka exactly once", rows.Once)
		out.number("  parked", rows.Parked)
	}
	out.number("events in Kafka", r.Events.Read)
	if r.Events.Gone > 0 {
		out.number("  whose row is no longer in the table", r.Events.Gone)
	}
	if r.Events.Later > 0 {
		out.number("  written after the table was read", r.Events.Later)
	}
	if r.Events.Foreign > 0 {
		out.number("records of other producers", r.Events.Foreign)
	}
	out.line("")
	for _, f := range r.Findings {
		out.number(auditWords(f.Kind), f.Count)
		out.items(f)
	}
	if other := unprovedOf(r); len(other) > 0 {
		out.line("\nNot proved:")
		for _, f := range other {
			out.number(auditWords(f.Kind), f.Count)
			out.items(f)
		}
	}
	out.line("")
	for _, sentence := range r.Reach {
		out.line("%s", sentence)
	}
	return out.err
}

func unprovedOf(r *audit.Report) (other []audit.Finding) {
	for _, f := range r.Unproved {
		if f.Count > 0 {
			other = append(other, f)
		}
	}
	return other
}

// auditWords says a kind in words.
func auditWords(kind audit.Kind) string {
	words := map[audit.Kind]string{
		audit.Missing: "missing", audit.MoreThan: "more than once", audit.OutOfOrder: "out of order within a key",
		audit.Differs: "payload differs", audit.NotInTable: "not in the table", audit.SeqGap: "gaps in relay-seq",
		audit.SeqRepeated: "relay-seq repeated", audit.SeqDisorder: "relay-seq out of order", audit.SeqBeyond: "relay-seq beyond the checkpoint",
		audit.LogLost: "Kafka lost the end of a log", audit.ParkedTwice: "parked and published",
		audit.Waiting: "waiting to be published", audit.BeforeRelay: "written before the relay began",
		audit.Deleted: "deleted from Kafka by retention", audit.Compacted: "in a compacted topic",
		audit.Unsendable: "cannot be published, not parked", audit.Skipped: "parked, then skipped", audit.Undatable: "of unknown age",
		audit.GapUntold: "gaps that deletion may explain",
	}
	return words[kind]
}

// lineWriter keeps the first error.
type lineWriter struct {
	w   io.Writer
	err error
}

func (l *lineWriter) line(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}

func (l *lineWriter) number(what string, n uint64) { l.line("%-40s %12s", what, thousands(n)) }

func (l *lineWriter) items(f audit.Finding) {
	for i, item := range f.Items {
		if i == shownItems {
			l.line("  and %s more", thousands(f.Count-shownItems))
			return
		}
		l.line("  %s", item)
	}
}
