package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// compare brings rows and records together by id.
func (a *auditor) compare(context.Context) (err error) {
	a.options.Progress(StageCompare, 0, 0)
	s := suspects{entries: newSorter(a.options.Dir, a.options.Memory/4)}
	defer func() { err = errors.Join(err, s.entries.close()) }()
	firstMatch, oldestMatch := outbox.LSN(0), a.events.oldest
	on := foundation{table: a.Postgres != nil && !a.Messages, rowsMayGo: a.options.RowsMayGo}
	err = eachGroup(a.entries, func(g *group) error {
		found := func(kind Kind, count uint64, at []entry, detail string) {
			a.found(kind, count, Item{ID: g.id, At: a.at(at), Detail: detail})
		}
		if g.rows.n > 0 {
			firstMatch = earliest(firstMatch, g.records.kept)
			oldestMatch = g.oldestMatch(oldestMatch)
			a.countRowsOf(g)
		}
		add := func(e entry) error { return s.add(g.id, e) }
		return g.compare(on, found, add, add)
	})
	if err != nil {
		return err
	}
	h := horizon{
		places: &a.places, moment: a.moment, decided: a.decided, ended: a.slot.CatalogXmin, generation: a.oldestGeneration(), oldestXID: oldestMatch,
		oldestRow: a.oldestRow, firstMatch: firstMatch,
	}
	return a.judge(&s, &h)
}

// judge decides on what does not match.
func (a *auditor) judge(s *suspects, h *horizon) error {
	var e entry
	return s.entries.each(func(key, value []byte) error {
		e.read(value)
		item := Item{ID: idOf(key)}
		if e.kind == kindRecord {
			switch {
			case h.extra(&e):
				a.suspect(item.ID, e)
			case h.afterwards(&e):
				a.report.Events.Later++
			default:
				a.report.Events.Gone++
			}
			return nil
		}
		if kind := h.absent(&e); kind == Missing {
			a.suspect(item.ID, e)
		} else {
			a.unproved(kind, item)
		}
		return nil
	})
}

// maxSecond is how many suspects are looked for again; more of them are not explained by bad luck.
const maxSecond = 10_000

func (a *auditor) suspect(id string, e entry) {
	if a.suspected == maxSecond {
		a.convict(id, e)
		return
	}
	a.suspected++
	a.second[id] = append(a.second[id], e)
}

func (a *auditor) convict(id string, e entry) {
	if e.kind == kindRow {
		a.found(Missing, 1, Item{ID: id, Detail: "topic " + a.places.topics[e.topic]})
		return
	}
	a.found(NotInTable, 1, Item{ID: id, At: a.at([]entry{e}), Detail: "position " + e.position.String()})
}

func earliest(first outbox.LSN, records []entry) outbox.LSN {
	for _, e := range records {
		if first == 0 || e.position.CommitLSN < first {
			first = e.position.CommitLSN
		}
	}
	return first
}

func (a *auditor) countRowsOf(g *group) {
	well := g.well()
	for i, e := range g.rows.kept {
		switch {
		case !e.asked:
		case well:
			a.report.Rows.Once++
		case i >= g.records.n && i < g.records.n+g.live:
			a.report.Rows.Parked++
		}
	}
}

func (a *auditor) at(entries []entry) []string {
	at := make([]string, 0, len(entries))
	for i := range entries {
		at = append(at, a.places.at(&entries[i]))
	}
	return at
}

func (a *auditor) oldestGeneration() int64 {
	oldest := a.checkpoint.Generation
	for g := range a.events.generations {
		oldest = min(oldest, g)
	}
	return oldest
}

// lookAgain looks for suspects where they may be after all: for a row whose record is older than the part of Kafka that
// was read, there; for a record whose row had not become visible, in the table.
func (a *auditor) lookAgain(ctx context.Context) error {
	if len(a.second) == 0 {
		return a.orderWithinKeys(ctx)
	}
	a.options.Progress(StageAgain, 0, 0)
	for _, p := range a.places.partitions {
		err := readPartition(ctx, a.Kafka, p, p.Start, p.from, func(e *publisher.Event) error {
			if h := a.names.read(e); h.ours {
				a.acquit(h.id, kindRow)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if a.Postgres != nil && a.suspectRecords() {
		if _, err := a.rowSource().read(ctx, func(r *row) error { a.acquit(r.id, kindRecord); return nil }); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.second)) {
		for _, e := range a.second[id] {
			a.convict(id, e)
		}
	}
	return a.orderWithinKeys(ctx)
}

func (a *auditor) acquit(id []byte, k kind) {
	if all, suspected := a.second[string(id)]; suspected {
		a.second[string(id)] = slices.DeleteFunc(all, func(e entry) bool { return e.kind == k })
	}
}

func (a *auditor) suspectRecords() bool {
	for _, all := range a.second {
		if slices.ContainsFunc(all, func(e entry) bool { return e.kind == kindRecord }) {
			return true
		}
	}
	return false
}

// orderWithinKeys finds out whether what stands behind a later commit has the same key as one of those.
func (a *auditor) orderWithinKeys(ctx context.Context) error {
	for i, p := range a.places.partitions {
		late := map[int64]late{}
		highest := map[uint64]outbox.Position{} // by key, of the keys that matter
		last := int64(-1)
		for _, l := range a.events.late {
			if l.partition == uint32(i) {
				late[l.offset], highest[l.key], last = l, outbox.Position{}, l.offset
			}
		}
		err := readPartition(ctx, a.Kafka, p, p.from, last+1, func(e *publisher.Event) error {
			a.keyOrder(p, e, late, highest)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) keyOrder(p *partition, e *publisher.Event, late map[int64]late, highest map[uint64]outbox.Position) {
	h := a.names.read(e)
	if !h.ours || e.Key == nil {
		return
	}
	key := hashKey(e.Key)
	before, matters := highest[key]
	if !matters {
		return
	}
	order := comparePosition(h.position, before)
	if order > 0 {
		highest[key] = h.position
	}
	if l, isLate := late[e.Offset]; isLate && order < 0 { // 0: the same event again, which is told elsewhere
		a.found(OutOfOrder, 1, Item{
			ID: l.id, At: []string{p.at(e.Offset)},
			Detail: fmt.Sprintf("position %s stands behind %s of the same key", h.position, before),
		})
	}
}

// last reads the checkpoint once more: what is counted now but was not then, was published meanwhile.
func (a *auditor) last(ctx context.Context) error {
	e := &a.events
	if !e.current.before(e.highest) {
		return nil
	}
	look, err := a.look(ctx)
	if err != nil {
		return err
	}
	if cp := look.Checkpoint; cp == nil || (seqID{cp.Generation, cp.EventsTotal}).before(e.highest) {
		a.found(SeqBeyond, 1, Item{At: []string{e.highestAt}, Seq: &SeqRange{e.highest.n, e.highest.n}, Detail: "the checkpoint has not counted so far"})
	}
	return nil
}
