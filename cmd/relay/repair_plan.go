package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/relay"
)

// writeRepairPlan says what is wrong, what a repair would do, how each step is undone, and what nobody can know.
func writeRepairPlan(out io.Writer, p *relay.RepairPlan) error {
	w := bufio.NewWriter(out)
	if len(p.Found) == 0 {
		fmt.Fprintf(w, "Relay %s has nothing to repair: it would go on at %s.\n", p.Relay, p.Checkpoint.ResumeLSN)
		return w.Flush()
	}
	for _, r := range p.Found {
		fmt.Fprintf(w, "Found: %s [%s]\n", r.Summary, r.Code)
		for _, line := range r.Details {
			fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(line, "\n", "\n  "))
		}
	}
	writeComparison(w, p)
	writeRepairSteps(w, p)
	writeUnknowable(w, p)
	return w.Flush()
}

func writeComparison(w io.Writer, p *relay.RepairPlan) {
	g := p.Gap
	fmt.Fprintf(w, "\nCompared: %d rows with %d partitions, by id\n", g.Rows, len(g.Partitions))
	for _, line := range []struct {
		n    int
		what string
	}{
		{int(g.InKafka), "in Kafka"},
		{int(g.Parked), "parked"},
		{int(g.Released), "were parked once, and given up"},
		{int(g.Before), "written before this relay began: never its to publish"},
		{len(g.Missing), "missing: published by nobody"},
		{len(g.Doubtful), "not in Kafka now, perhaps published before"},
		{len(g.Bad), "not in Kafka, and cannot be mapped to an event"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "  %10d  %s\n", line.n, line.what)
		}
	}
	writeLacks(w, "Missing", g.Missing)
	writeLacks(w, "Perhaps published before", g.Doubtful)
	writeLacks(w, "Cannot be mapped", g.Bad)
	writeItems(w, "Public, but not in the database (compensate or write them again; nothing is deleted)", g.NoRow)
	writeItems(w, "Public with another content than the row has now", g.Differs)
}

func writeLacks(w io.Writer, title string, lacks []audit.Lack) {
	if len(lacks) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, l := range lacks[:min(len(lacks), planLines)] {
		written := none
		if !l.Created.IsZero() {
			written = l.Created.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "  %s  %s  topic %s\n", l.ID, written, l.Topic)
	}
	writeMore(w, len(lacks))
}

func writeItems(w io.Writer, title string, items []audit.Item) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, i := range items[:min(len(items), planLines)] {
		fmt.Fprintf(w, "  %s  %s  %s\n", i.ID, strings.Join(i.At, " "), i.Detail)
	}
	writeMore(w, len(items))
}

func writeMore(w io.Writer, n int) {
	if more := n - planLines; more > 0 {
		fmt.Fprintf(w, "  ... and %d more: -o json names all\n", more)
	}
}

func writeRepairSteps(w io.Writer, p *relay.RepairPlan) {
	fmt.Fprintf(w, "\nPlan:\n")
	step := 0
	say := func(does, undo string) {
		step++
		fmt.Fprintf(w, "  %d. %s\n     Undo: %s\n", step, does, undo)
	}
	say("Fence every older instance; a running relay steps aside.", "none needed: a relay that starts fences in its turn.")
	if p.ReplaceSlot && p.SlotExists {
		say(fmt.Sprintf("Drop slot %s and make it anew: what it still had cannot be used.", p.Slot),
			"the old one cannot be brought back; until the next step is done the relay is refused as now.")
	} else if p.ReplaceSlot {
		say(fmt.Sprintf("Make slot %s.", p.Slot), fmt.Sprintf("SELECT pg_drop_replication_slot('%s');", p.Slot))
	}
	say(fmt.Sprintf("Publish %s in the order of (created_at, id), behind what is in the topics already, and behind parked events that hold their keys.",
		events(len(p.Gap.Missing)+len(p.Gap.Doubtful))), "impossible: consumers may have read them. Consumers with an inbox take each id once.")
	say(fmt.Sprintf("In the same transaction write checkpoint %d, which resumes where the compared snapshot ends (about %s).", p.Checkpoint.Seq+1, p.End),
		fmt.Sprintf("none: the present one, resume_lsn %s, stays in `relay checkpoint history` until it is compacted.", p.Checkpoint.ResumeLSN))
}

func writeUnknowable(w io.Writer, p *relay.RepairPlan) {
	io.WriteString(w, "\nWhat this cannot know:\n")
	fmt.Fprintf(w, "  Rows committed from %s on that are not in the table any more: they cannot be published.\n", p.From)
	if p.Messages {
		fmt.Fprintf(w, "  WAL messages written in [%s, %s): no table has them.\n", p.From, p.End)
	}
	if p.Gap.Parked+p.Gap.Released > 0 || p.Checkpoint.Holds.LastOffset > 0 {
		io.WriteString(w, "  Rows that were given up with `relay parked skip` so long ago that the parked topic has forgotten it: they look missing.\n")
	}
}
