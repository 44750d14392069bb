package chaos

import (
	"cmp"
	"fmt"
	"slices"
)

// Verdict is what the oracle found. Every count but the first two should be 0.
type Verdict struct {
	Written   int `json:"written"`   // events in the surviving database
	Published int `json:"published"` // events that a read_committed reader sees

	Missing   int `json:"missing"`   // written, not published
	Twice     int `json:"twice"`     // published more than once, each further time
	Phantoms  int `json:"phantoms"`  // published, not written: rolled back, or nobody's
	Altered   int `json:"altered"`   // published with another topic, key or value
	Disorder  int `json:"disorder"`  // an event after a later one of its key, or its key in two partitions
	Torn      int `json:"torn"`      // transactions that a reader sees, or once saw, in part
	SeqWrong  int `json:"seq_wrong"` // relay-seq not gapless over all topics, not increasing in a partition, or not in commit order
	Zombies   int `json:"zombies"`   // events of a producer epoch that was fenced before
	PieceFail int `json:"pieces"`    // relay-piece not 1, 2, 3, ... over a transaction that was cut

	Cut      int       `json:"cut"`      // transactions that were published in pieces
	Findings []Finding `json:"findings"` // at most findingsEach of each kind

	Late    int `json:"late"`    // events that were parked and published later
	GivenUp int `json:"skipped"` // events that were parked and skipped
}

// Finding is one thing that is wrong, for people.
type Finding struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// findingsEach bounds what is told of each kind.
const findingsEach = 10

// Clean is true when nothing is wrong.
func (v *Verdict) Clean() bool {
	return v.Missing+v.Twice+v.Phantoms+v.Altered+v.Disorder+v.Torn+v.SeqWrong+v.Zombies+v.PieceFail == 0
}

// found counts one more of a kind and tells of it.
func (v *Verdict) found(counter *int, kind, format string, args ...any) {
	*counter++
	told := 0
	for _, f := range v.Findings {
		if f.Kind == kind {
			told++
		}
	}
	if told < findingsEach {
		v.Findings = append(v.Findings, Finding{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// Compare judges what was published against what was written. snapshots are places to which a read_committed reader
// could have read at some time, in any order.
func Compare(written []Row, published []Published, snapshots []Offsets) *Verdict {
	return compare(written, published, snapshots, nil)
}

// compare is Compare where some events were given up, by id: those may be missing, and nothing else.
func compare(written []Row, published []Published, snapshots []Offsets, skipped map[string]bool) *Verdict {
	v := &Verdict{Written: len(written), Published: len(published)}
	slices.SortFunc(published, func(a, b Published) int {
		return cmp.Or(cmp.Compare(a.At.Topic, b.At.Topic), cmp.Compare(a.At.Index, b.At.Index), cmp.Compare(a.Offset, b.Offset))
	})
	short := v.sets(written, published, skipped)
	v.order(published)
	v.epochs(published)
	v.sequence(published)
	v.whole(published, short)
	v.snapshots(published, snapshots)
	return v
}

// sets compares by id. It gives the number of events of each transaction that were given up.
func (v *Verdict) sets(written []Row, published []Published, skipped map[string]bool) (short map[string]int) {
	short = make(map[string]int)
	byID := make(map[string]*Row, len(written))
	for i := range written {
		byID[written[i].ID] = &written[i]
	}
	first := make(map[string]*Published, len(published))
	for i := range published {
		e := &published[i]
		row := byID[e.ID]
		switch before := first[e.ID]; {
		case row == nil:
			v.found(&v.Phantoms, "phantom", "%s was published but not written; it was meant to be %s", e, e.Fate)
		case skipped[e.ID]:
			v.found(&v.Phantoms, "phantom", "%s was given up and is published", e)
		case before != nil:
			v.found(&v.Twice, "twice", "%s was published before: %s", e, before)
		case *row != e.Row:
			v.found(&v.Altered, "altered", "%s was written as %+v and published as %+v", e, *row, e.Row)
		}
		if first[e.ID] == nil {
			first[e.ID] = e
		}
	}
	for i := range written {
		switch r := &written[i]; {
		case first[r.ID] == nil && skipped[r.ID]:
			v.GivenUp++
			short[r.Tx]++
		case first[r.ID] == nil:
			v.found(&v.Missing, "missing", "event %s (key %s number %d of transaction %s) is not in %s", r.ID, r.Key, r.N, r.Tx, r.Topic)
		}
	}
	return short
}

// String names the event and its place.
func (p *Published) String() string {
	return fmt.Sprintf("event %s (key %s number %d of transaction %s, %s %d) at %s offset %d", p.ID, p.Key, p.N, p.Tx, headerSeq, p.Seq, p.At, p.Offset)
}

// order looks at each key: its counter grows.
func (v *Verdict) order(published []Published) {
	last := make(map[string]*Published)
	for i := range published {
		e := &published[i]
		switch before := last[e.Key]; {
		case before == nil:
		case before.At != e.At:
			v.found(&v.Disorder, "disorder", "%s lies in another partition than its key before: %s", e, before)
		case before.N >= e.N:
			v.found(&v.Disorder, "disorder", "%s comes after %s", e, before)
		}
		last[e.Key] = e
	}
}

// epochs looks at each partition: no producer comes back that was fenced. A producer id whose epochs are used up gets a
// greater successor.
func (v *Verdict) epochs(published []Published) {
	for i := 1; i < len(published); i++ {
		before, e := &published[i-1], &published[i]
		if before.At != e.At {
			continue
		}
		if cmp.Or(cmp.Compare(before.ProducerID, e.ProducerID), cmp.Compare(before.Epoch, e.Epoch)) > 0 {
			v.found(&v.Zombies, "zombie", "%s is of producer %d epoch %d, the one before it of producer %d epoch %d",
				e, e.ProducerID, e.Epoch, before.ProducerID, before.Epoch)
		}
	}
}

// sequence looks at relay-seq: it grows in each partition, and over all of them nothing is left out. In its order events
// stand as they were committed, but those that were parked meanwhile.
func (v *Verdict) sequence(published []Published) {
	for i := 1; i < len(published); i++ {
		before, e := &published[i-1], &published[i]
		if before.At == e.At && before.Seq >= e.Seq {
			v.found(&v.SeqWrong, "seq", "%s comes after %s", e, before)
		}
	}
	all := bySeq(published)
	var before *Published // the newest one that was never parked
	for i, e := range all {
		if want := uint64(i) + 1; i == 0 && e.Seq != want || i > 0 && e.Seq != all[i-1].Seq+1 {
			v.found(&v.SeqWrong, "seq", "%s should carry %s %d", e, headerSeq, want)
		}
		if e.Late {
			v.Late++
			continue
		}
		if before != nil && (e.Position <= before.Position || e.Relay != before.Relay) {
			v.found(&v.SeqWrong, "seq", "%s has position %s of %s, the one before it %s of %s", e, e.Position, e.Relay, before.Position, before.Relay)
		}
		before = e
	}
}

func bySeq(published []Published) []*Published {
	all := make([]*Published, len(published))
	for i := range published {
		all[i] = &published[i]
	}
	slices.SortStableFunc(all, func(a, b *Published) int { return cmp.Compare(a.Seq, b.Seq) })
	return all
}

// whole looks at each transaction: all of its events are there, and one that was cut has its pieces in a row.
func (v *Verdict) whole(published []Published, short map[string]int) {
	parking := slices.ContainsFunc(published, func(e Published) bool { return e.Late })
	type transaction struct{ seen, piece int }
	seen := make(map[string]*transaction)
	for _, e := range bySeq(published) {
		t := seen[e.Tx]
		if t == nil {
			t = &transaction{piece: min(e.Piece, 1)} // 0: not cut
			seen[e.Tx] = t
			v.Cut += t.piece
		}
		t.seen++
		if parking {
			continue // a piece may be parked as a whole, and what was parked is in none
		}
		if e.Piece != t.piece && (t.piece == 0 || t.seen == 1 || e.Piece != t.piece+1) {
			v.found(&v.PieceFail, "piece", "%s is of piece %d, after piece %d", e, e.Piece, t.piece)
		}
		t.piece = e.Piece
	}
	told := make(map[string]bool)
	for i := range published {
		e := &published[i]
		if got := seen[e.Tx].seen + short[e.Tx]; got != e.Size && !told[e.Tx] {
			told[e.Tx] = true
			v.found(&v.Torn, "torn", "transaction %s has %d events, of which %d are published", e.Tx, e.Size, got)
		}
	}
}

// snapshots looks at what a reader saw at some time: in each partition all or nothing of each transaction, or of each
// piece. Over several partitions it cannot be asked for: markers are written one by one.
func (v *Verdict) snapshots(published []Published, snapshots []Offsets) {
	type unit struct {
		tx    string
		piece int
		at    Partition
	}
	type span struct{ first, last int64 }
	spans := make(map[unit]*span)
	perPartition := make(map[Partition][]unit)
	for i := range published {
		e := &published[i]
		if e.Late {
			continue
		}
		u := unit{e.Tx, e.Piece, e.At}
		if s := spans[u]; s != nil {
			s.last = e.Offset
			continue
		}
		spans[u] = &span{e.Offset, e.Offset}
		perPartition[e.At] = append(perPartition[e.At], u)
	}
	for _, snapshot := range snapshots {
		for p, end := range snapshot {
			for _, u := range perPartition[p] {
				if s := spans[u]; s.first < end && end <= s.last {
					v.found(&v.Torn, "torn", "transaction %s lies in %s at offsets %d to %d, and a reader once saw it up to %d", u.tx, p, s.first, s.last, end)
				}
			}
		}
	}
}
