package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/status"
)

// statusDocument is the document of status.
type statusDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	inspect.Status
}

func newCmdStatus(a *app, runF func(context.Context, lookFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.status
	}
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show on one screen how the relay is",
		Long: `Show how the relay of the configuration is: what it does, where it is, how far behind, what its slot keeps, and what
is worth a warning.

Everything but the first line is read from Postgres and Kafka, so it is true whether the relay runs or not. The first
line comes from the daemon, if it runs on this host and answers at server.listen or its admin socket; else it says who
has the slot.`,
		Example: "  relay status\n  relay status --watch\n  relay status -o json | jq .lag.seconds",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "json", "yaml", "name"); err != nil {
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

func (a *app) status(ctx context.Context, f lookFlags) error {
	return a.show(ctx, f.watch, func(ctx context.Context, i inspector, out io.Writer) error {
		st, err := i.Status(ctx)
		return errors.Join(err, writeStatus(out, st, f.format, time.Now()))
	})
}

func writeStatus(w io.Writer, st inspect.Status, format string, now time.Time) error {
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, statusDocument{APIVersion: apiVersion, Kind: "RelayStatus", Status: st})
	case "name":
		_, err := fmt.Fprintf(w, "relay/%s\n", st.Relay)
		return err
	}
	var lines [][]string
	line := func(name string, parts ...string) {
		lines = append(lines, []string{name, printable(strings.Join(parts, "  "))})
	}
	line("Relay", relayParts(st, now)...)
	if st.Reason != "" {
		line("", codeText(st.Reason, st.Code))
	}
	for _, more := range aboutReason(st.Daemon) {
		line("", more)
	}
	if st.NoDaemon != "" {
		line("Daemon", st.NoDaemon)
	}
	line("Position", positionParts(st, now)...)
	line("Lag", lagParts(st.Lag)...)
	line("Slot", slotParts(st)...)
	line("Kafka", kafkaParts(st)...)
	if o := st.Outbox; o != nil {
		line("Outbox", outboxParts(o, st.Daemon, now)...)
		for _, kept := range keptPartitions(st.Daemon) {
			line("", kept)
		}
	}
	for i, warning := range st.Warnings {
		name := ""
		if i == 0 {
			name = "Warnings"
		}
		line(name, warning)
	}
	_, err := io.WriteString(w, align(lines))
	return err
}

func codeText(text, code string) string {
	if code != "" {
		return text + " [" + code + "]"
	}
	return text
}

// relayParts are the state and whose word that is.
func relayParts(st inspect.Status, now time.Time) []string {
	if v := st.Daemon; v != nil {
		state := string(v.State)
		if !v.Ready && v.State != status.Refused && v.State != status.Halted {
			state += ", not ready"
		}
		return []string{st.Relay, state + " for " + age(now.Sub(v.Since)), fmt.Sprintf("%s on %s (pid %d)", v.Version, v.Host, v.PID)}
	}
	parts := []string{st.Relay, st.State}
	if h := st.Holder; h != nil {
		parts = append(parts, holderText(h, now))
	}
	return parts
}

func holderText(h *inspect.Holder, now time.Time) string {
	text := "slot read"
	if h.Address != "" {
		text += " from " + h.Address
	}
	if h.Since != nil {
		text += " for " + age(now.Sub(*h.Since))
	}
	return text + fmt.Sprintf(" (walsender %d)", h.PID)
}

// aboutReason says what the daemon's reason is about, and what to do.
func aboutReason(daemon *status.View) []string {
	if daemon == nil {
		return nil
	}
	lines := slices.Clone(daemon.About)
	if daemon.Hint != "" {
		lines = append(lines, "Hint: "+daemon.Hint)
	}
	return lines
}

func positionParts(st inspect.Status, now time.Time) []string {
	r := st.Checkpoint.Record
	if r == nil {
		return []string{none, "no checkpoint"}
	}
	parts := []string{r.ResumeLSN.String(), "checkpoint " + age(now.Sub(r.Time)) + " old"}
	if r.Witness != nil {
		parts = append(parts, "last event committed "+age(now.Sub(time.UnixMicro(r.Witness.CommitTime)))+" ago")
	}
	parts = append(parts, "events "+thousands(r.EventsTotal))
	if p := st.Parked; p != nil && p.Events > 0 {
		parts = append(parts, "parked "+thousands(uint64(p.Events)))
	}
	return parts
}

func lagParts(l *inspect.Lag) []string {
	if l == nil {
		return []string{none}
	}
	parts := []string{lagText(l), byteCount(int64(l.Bytes))}
	if l.Events != nil {
		parts = append(parts, thousands(uint64(*l.Events))+" events waiting")
	}
	if l.Note != "" {
		parts = append(parts, "("+l.Note+")")
	}
	return parts
}

func slotParts(st inspect.Status) []string {
	s := st.Checkpoint.Slot
	switch {
	case s == nil && st.Checkpoint.Verdict == inspect.Unknown:
		return []string{none}
	case s == nil:
		return []string{"none"}
	}
	activity := "inactive"
	if s.ActivePID != 0 {
		activity = "active"
	}
	parts := []string{s.Name, activity, "flush " + lsnText(s.ConfirmedFlush), walText(s)}
	if s.Failover {
		parts = append(parts, "failover")
	}
	return parts
}

func walText(s *inspect.Slot) string {
	limit := "no limit"
	if s.SafeBytes != nil {
		limit = "lost after " + byteCount(*s.SafeBytes) + " more"
	}
	return fmt.Sprintf("keeps %s of WAL, %s (%s)", byteCount(int64(s.RetainedBytes)), limit, s.WALStatus)
}

func kafkaParts(st inspect.Status) []string {
	k := st.Kafka
	if k == nil {
		return []string{none}
	}
	brokers := "1 broker"
	if k.Brokers != 1 {
		brokers = strconv.Itoa(k.Brokers) + " brokers"
	}
	topic := "checkpoint topic " + k.CheckpointTopic
	if k.ReplicationFactor == 0 {
		topic += " does not exist"
	} else {
		topic += fmt.Sprintf(", replication %d", k.ReplicationFactor)
	}
	parts := []string{brokers, topic}
	if k.Epoch != nil {
		parts = append(parts, fmt.Sprintf("epoch %d by %s", *k.Epoch, k.SessionBy))
	}
	return parts
}

// outboxParts are what the server says of the table and, while it runs, what the daemon means to do with it.
func outboxParts(o *inspect.Outbox, daemon *status.View, now time.Time) []string {
	parts := []string{o.Table, byteCount(o.Bytes)}
	if o.Oldest != nil {
		parts = append(parts, "oldest row "+age(now.Sub(*o.Oldest)))
	}
	if daemon == nil {
		return parts
	}
	if next := daemon.Outbox.NextTruncate(); next != nil {
		parts = append(parts, fmt.Sprintf("next truncate %s in %s", next.Name, age(max(0, next.NextTruncate.Sub(now)))))
	}
	return parts
}

// keptPartitions says why partitions that are old enough have not been truncated.
func keptPartitions(daemon *status.View) []string {
	var lines []string
	if daemon == nil {
		return nil
	}
	for _, p := range daemon.Outbox.Partitions {
		if p.Kept != nil {
			lines = append(lines, fmt.Sprintf("%s is kept: %s", p.Name, p.Kept.Detail))
		}
	}
	return lines
}
