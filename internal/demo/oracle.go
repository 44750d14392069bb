package main

import (
	"cmp"
	"slices"
	"time"
)

// event is a row of the outbox that committed.
type event struct {
	ID      string
	Key     string
	Version int64 // grows with each event of a key, in commit order
	Payload string
}

// record is what the consumer has read. Records of one partition come in the order of their offsets.
type record struct {
	partition int32
	offset    int64
	committed time.Time // in Postgres, by its clock, in milliseconds
	seen      time.Time
	id        string
	seq       uint64 // counts all records of this relay, from 1
	key       string
	payload   string
}

// verdict counts. All but written, once and records must be 0.
type verdict struct {
	written int
	once    int
	missing int
	twice   int // or more often

	disorder int // records that came after a later one of their key, or in another partition than its others
	changed  int // records whose key or payload is not what was written
	phantom  int // records of which no row committed

	records   int
	brokenSeq int // numbers left out, given twice, or going back within a partition
}

// even tells whether every event that was written, and nothing else, is in Kafka once and in order.
func (v verdict) even() bool {
	return v.written > 0 && v.once == v.written &&
		v.missing+v.twice+v.disorder+v.changed+v.phantom+v.brokenSeq == 0
}

// judge compares what was written with what was read.
func judge(written []event, read []record) verdict {
	v := verdict{written: len(written), records: len(read), brokenSeq: brokenSeq(read)}
	byID := make(map[string]event, len(written))
	for _, e := range written {
		byID[e.ID] = e
	}
	copies := make(map[string]int, len(written))
	keys := make(map[string]keyOrder)
	for _, r := range read {
		e, ok := byID[r.id]
		if !ok {
			v.phantom++
			continue
		}
		if r.key != e.Key || r.payload != e.Payload {
			v.changed++
		}
		if copies[r.id]++; copies[r.id] > 1 {
			continue
		}
		order := keys[e.Key]
		if !order.take(e.Version, r.partition) {
			v.disorder++
		}
		keys[e.Key] = order
	}
	for id := range byID {
		switch copies[id] {
		case 0:
			v.missing++
		case 1:
			v.once++
		default:
			v.twice++
		}
	}
	return v
}

// keyOrder is how far the events of one key have come.
type keyOrder struct {
	version   int64
	partition int32
}

// take tells whether the next event of the key is in order.
func (o *keyOrder) take(version int64, partition int32) bool {
	first := *o == keyOrder{}
	if !first && (version <= o.version || partition != o.partition) {
		return false
	}
	*o = keyOrder{version: version, partition: partition}
	return true
}

// brokenSeq counts what is wrong with the relay's own numbers: they must be 1, 2, 3, ... over all partitions and grow
// within each.
func brokenSeq(read []record) int {
	broken := 0
	last := make(map[int32]uint64)
	for _, r := range read {
		if r.seq <= last[r.partition] {
			broken++
		}
		last[r.partition] = r.seq
	}
	all := slices.Clone(read)
	slices.SortFunc(all, func(a, b record) int { return cmp.Compare(a.seq, b.seq) })
	for i, r := range all {
		if before := seqBefore(all, i); r.seq != before+1 {
			broken++
		}
	}
	return broken
}

func seqBefore(sorted []record, i int) uint64 {
	if i == 0 {
		return 0
	}
	return sorted[i-1].seq
}
