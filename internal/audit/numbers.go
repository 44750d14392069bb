package audit

import (
	"fmt"
	"time"
)

// judgeNumbers looks for numbers that no record carries, in each generation. A partition that has lost its beginning, or
// was not read from there, may have held all numbers below its first one.
func (a *auditor) judgeNumbers() {
	current := a.checkpoint.Generation
	if a.events.generations[current] == nil {
		a.events.generations[current] = &seqs{}
	}
	for generation, set := range a.events.generations {
		floor, blind := a.floor(generation)
		ceiling := set.highest
		if generation == current {
			ceiling = a.checkpoint.EventsTotal
			a.report.Events.First, a.report.Events.Last = floor, ceiling
		}
		set.gaps(floor, ceiling, func(gap SeqRange) {
			item := Item{Seq: &gap, Detail: fmt.Sprintf("no record carries %s/%d/%d", a.Relay, generation, gap.First)}
			if gap.Last > gap.First {
				item.Detail += fmt.Sprintf(" to %d", gap.Last)
			}
			if blind != "" {
				item.Detail += "; it may have been in " + blind
				note(a.report.Unproved, GapUntold, gap.Last-gap.First+1, a.options.MaxItems, item)
				return
			}
			a.found(SeqGap, gap.Last-gap.First+1, item)
		})
	}
}

// floor is the number from which on nothing of a generation can lie in what was not read. blind names a partition that
// may have held any number.
func (a *auditor) floor(generation int64) (floor uint64, blind string) {
	floor = 1
	for _, p := range a.places.partitions {
		name := fmt.Sprintf("%s/%d", p.Topic, p.Partition)
		switch {
		case p.Compacted:
			blind = name + ", which is compacted"
		case !p.cut():
		case p.floor == nil, p.floor.generation > generation:
			blind = fmt.Sprintf("%s, of which only what begins at offset %d is left", name, p.from)
		case p.floor.generation == generation:
			floor = max(floor, p.floor.n)
		}
	}
	return floor, blind
}

// reach says how far the proof goes.
func (a *auditor) reach() {
	say := func(format string, args ...any) {
		a.report.Reach = append(a.report.Reach, fmt.Sprintf(format, args...))
	}
	r := a.report
	say("relay-seq was checked from %d to %d, since %s.", r.Events.First, r.Events.Last, time.UnixMilli(r.Checkpoint.Generation).UTC().Format(time.RFC3339))
	if r.Rows == nil {
		say("There is no outbox table: only the numbers are proved.")
	} else {
		a.reachOfRows(say)
	}
	for _, p := range a.places.partitions {
		switch {
		case p.Compacted:
			say("%s partition %d is compacted: of a row that is not there nothing can be said, nor of gaps.", p.Topic, p.Partition)
		case p.Start > 0:
			say("%s partition %d begins at offset %d: nothing is proved of what was deleted.", p.Topic, p.Partition, p.Start)
		}
	}
}

func (a *auditor) reachOfRows(say func(string, ...any)) {
	r := a.report
	switch {
	case a.names.id == "":
		say("Events carry no header with their id: rows were not compared.")
	case !a.options.Since.IsZero():
		say("Proved for rows written since %s.", a.options.Since.UTC().Format(time.RFC3339))
	case r.Rows.Oldest != nil:
		say("Proved for rows still in the table: since %s.", r.Rows.Oldest.Format(time.RFC3339))
	default:
		say("Proved for rows still in the table.")
	}
	if a.Messages {
		say("WAL messages are published too: a record without a row is not looked at.")
	}
	if a.options.RowsMayGo {
		say("Rows may be deleted at any time: a record without a row is not looked at.")
	}
	if r.Undecided() > 0 {
		say("Rows were read at %s; the checkpoint stands at %s.", a.moment.behind, r.Checkpoint.ResumeLSN)
	}
}
