package audit

import (
	"bytes"
	"slices"
)

// group is everything that there is of one id.
type group struct {
	id string

	rows, records, foreign counted
	// live and released are copies in the parked topic: still parked, and not any more.
	live, released int
}

// counted are entries of one kind: all are counted, the first are kept.
type counted struct {
	n    int
	kept []entry
}

// enough entries of one id and kind to say what is wrong with it; the rest is only counted.
const enough = 64

func (c *counted) add(e entry) {
	c.n++
	if len(c.kept) < enough {
		c.kept = append(c.kept, e)
	}
}

func (g *group) reset(key []byte) {
	g.id = idOf(key)
	for _, c := range []*counted{&g.rows, &g.records, &g.foreign} {
		c.n, c.kept = 0, c.kept[:0]
	}
	g.live, g.released = 0, 0
}

func (g *group) add(e entry) {
	switch e.kind {
	case kindRow:
		g.rows.add(e)
	case kindRecord:
		g.records.add(e)
	case kindForeign:
		g.foreign.add(e)
	case kindParked:
		if e.later {
			g.released++
		} else {
			g.live++
		}
	}
}

// eachGroup gives what there is of each id, one id after the other. The group is used again for the next one.
func eachGroup(s *sorter, f func(*group) error) error {
	var g group
	var last []byte
	var e entry
	err := s.each(func(key, value []byte) error {
		if last == nil || !bytes.Equal(last, key) {
			if last != nil {
				if err := f(&g); err != nil {
					return err
				}
			}
			last = append(last[:0], key...)
			g.reset(key)
		}
		e.read(value)
		g.add(e)
		return nil
	})
	if err != nil || last == nil {
		return err
	}
	return f(&g)
}

// foundation is what comparisons of single ids rest on.
type foundation struct {
	table bool // there is one, and all events are rows of it
	// rowsMayGo: rows are deleted one by one, so a record without a row says nothing.
	rowsMayGo bool
}

// compare tells what is wrong with an id by itself. What depends on more is handed on: rows that are not in Kafka, and
// records that have no row.
func (g *group) compare(on foundation, found func(Kind, uint64, []entry, string), absent, extra func(entry) error) error {
	g.compareCopies(found)
	if g.live > 0 && slices.ContainsFunc(g.records.kept, func(e entry) bool { return !e.later }) {
		found(ParkedTwice, 1, g.records.kept, "it is parked, and published too")
	}
	if g.rows.n > 0 {
		g.compareContents(found)
		return g.absentees(absent)
	}
	if !on.table || on.rowsMayGo {
		return nil
	}
	for _, e := range g.records.kept {
		if err := extra(e); err != nil {
			return err
		}
	}
	return nil
}

// compareCopies looks for one event that is in Kafka several times. Without a row two events may have one id, if the
// application wrote them so; two records of one position are the same event for sure.
func (g *group) compareCopies(found func(Kind, uint64, []entry, string)) {
	copies := g.records.n - g.rows.n
	if g.rows.n == 0 {
		positions := map[string]bool{}
		for _, e := range g.records.kept {
			positions[e.position.String()] = true
		}
		copies = len(g.records.kept) - len(positions)
	}
	if copies > 0 {
		found(MoreThan, uint64(copies), g.records.kept, "")
	}
	if g.foreign.n > 0 && g.records.n > 0 {
		all := append(g.records.kept[:len(g.records.kept):len(g.records.kept)], g.foreign.kept...)
		found(MoreThan, uint64(g.foreign.n), all, "a copy does not carry this relay's headers")
	}
}

func (g *group) compareContents(found func(Kind, uint64, []entry, string)) {
	for _, e := range g.differing() {
		found(Differs, 1, []entry{e}, "it is not what the row becomes now")
	}
}

// differing are records that none of the rows becomes.
func (g *group) differing() []entry {
	if g.rows.n > enough {
		return nil
	}
	var differing []entry
	for _, e := range g.records.kept {
		same := func(row entry) bool { return row.bad || row.content == e.content }
		if !slices.ContainsFunc(g.rows.kept, same) {
			differing = append(differing, e)
		}
	}
	return differing
}

// well tells whether each row is in Kafka once, as it was written.
func (g *group) well() bool {
	return g.records.n == g.rows.n && g.foreign.n == 0 && g.live == 0 && len(g.differing()) == 0
}

// oldestMatch is the older of a transaction id and those of the rows that are in Kafka; 0 is none.
func (g *group) oldestMatch(oldest uint32) uint32 {
	for _, e := range g.rows.kept[:min(len(g.rows.kept), g.records.n)] {
		if oldest == 0 || xidBefore(e.xid, oldest) {
			oldest = e.xid
		}
	}
	return oldest
}

// absentees hands on the rows that no record stands for; those that were parked once are marked as later.
func (g *group) absentees(absent func(entry) error) error {
	there := g.records.n + g.live
	for i, e := range g.rows.kept {
		if i < there || !e.asked {
			continue
		}
		e.later = i < there+g.released
		if err := absent(e); err != nil {
			return err
		}
	}
	return nil
}
