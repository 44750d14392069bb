package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// events looks at records as they pass, one partition after the other: what a reader could check without Postgres is
// checked here, and an entry of each record is kept for the comparison with the table.
type events struct {
	names   headerNames
	current seqID // generation and count of the checkpoint that is audited
	places  *places
	entries *sorter
	found   func(kind Kind, count uint64, item Item)

	generations map[int64]*seqs
	highest     seqID  // above the checkpoint: what was published meanwhile, or forged
	highestAt   string // where
	oldest      uint32 // transaction id of the oldest record seen; 0: not known
	late        []late

	key, value []byte // scratch
}

// headerNames are the headers that identify a record.
type headerNames struct {
	relay           string // as in relay-seq: with the shard
	id, transaction string
}

// late is a record behind one that committed later. That is disorder if both have the same key, and nothing at all if
// they have not: a parked event is published when somebody says so.
type late struct {
	partition uint32
	offset    int64
	id        string
	key       uint64
	position  outbox.Position
}

const maxLate = 10_000

// record takes the next record of a partition.
func (e *events) record(number uint32, r *publisher.Event) error {
	p := e.places.partitions[number]
	h := e.names.read(r)
	entry := entry{kind: kindRecord, partition: number, offset: r.Offset, position: h.position, xid: h.xid}
	if h.ours {
		p.events++
		entry.later = e.number(p, h.seq, r.Offset, h.id)
		e.order(number, p, r, &h)
	} else {
		p.foreign++
		entry.kind = kindForeign
	}
	if h.id == nil {
		return nil
	}
	entry.content = contentOf(r.Key, r.Value, p.Topic, r.Headers, e.names.transaction)
	e.key, e.value = appendKey(e.key[:0], h.id), entry.appendTo(e.value[:0])
	return e.entries.add(e.key, e.value)
}

// number checks a relay-seq; it tells whether the checkpoint has not counted it.
func (e *events) number(p *partition, seq seqID, offset int64, id []byte) (later bool) {
	if p.floor == nil {
		first := seq
		p.floor = &first
	}
	item := func(detail string) Item {
		return Item{ID: string(id), At: []string{p.at(offset)}, Seq: &SeqRange{seq.n, seq.n}, Detail: detail}
	}
	if !p.last.before(seq) {
		e.found(SeqDisorder, 1, item(fmt.Sprintf("stands behind number %d", p.last.n)))
	}
	p.last = seq
	if seq.generation > e.current.generation || seq.generation == e.current.generation && seq.n > e.current.n {
		if e.highest.before(seq) {
			e.highest, e.highestAt = seq, p.at(offset)
		}
		return true
	}
	g := e.generations[seq.generation]
	if g == nil {
		g = &seqs{}
		e.generations[seq.generation] = g
	}
	if !g.add(seq.n) {
		e.found(SeqRepeated, 1, item("another record carries the same number"))
	}
	return false
}

// order notes what stands behind a record that committed later, and how old the oldest transactions are.
func (e *events) order(number uint32, p *partition, r *publisher.Event, h *identified) {
	if comparePosition(h.position, p.position) > 0 {
		p.position = h.position
	} else if r.Key != nil {
		if len(e.late) < maxLate {
			e.late = append(e.late, late{number, r.Offset, string(h.id), hashKey(r.Key), h.position})
		} else {
			e.found(OutOfOrder, 1, Item{ID: string(h.id), At: []string{p.at(r.Offset)}, Detail: "one of too many that stand behind a later one"})
		}
	}
	if h.xid == 0 {
		return
	}
	if e.oldest == 0 || xidBefore(h.xid, e.oldest) {
		e.oldest = h.xid
	}
	if p.events <= p.early() && (p.oldXID == 0 || xidBefore(p.oldXID, h.xid)) {
		p.oldXID = h.xid
	}
}

// identified is what the headers of a record say.
type identified struct {
	ours     bool
	seq      seqID
	position outbox.Position
	id       []byte // nil: none
	xid      uint32 // 0: none
}

// read looks at the headers. A record of ours has Relay's headers as Relay writes them.
func (n *headerNames) read(e *publisher.Event) identified {
	var h identified
	if o, ok := e.Origin(); ok && o.Relay == n.relay {
		h.ours, h.seq, h.position = true, seqID{o.Generation, o.Seq}, o.Position
	}
	for _, header := range e.Headers {
		if n.id != "" && h.id == nil && string(header.Key) == n.id {
			h.id = header.Value
		}
		if n.transaction != "" && string(header.Key) == n.transaction {
			xid, _ := strconv.ParseUint(string(header.Value), 10, 32)
			h.xid = uint32(xid)
		}
	}
	return h
}

func comparePosition(a, b outbox.Position) int {
	return cmp.Or(cmp.Compare(a.Timeline, b.Timeline), cmp.Compare(a.CommitLSN, b.CommitLSN), cmp.Compare(a.Index, b.Index))
}

// xidBefore compares transaction ids as Postgres does: they wrap.
func xidBefore(a, b uint32) bool { return int32(a-b) < 0 }

// contentOf is a hash of what a consumer sees of an event, without what Relay adds: not even its transaction, which a
// row written under a savepoint does not know.
func contentOf(key, value []byte, topic string, headers []outbox.Header, transaction string) uint64 {
	d := xxhash.New()
	var length [9]byte
	part := func(p []byte) {
		for i := range 8 {
			length[i] = byte(uint64(len(p)) >> (8 * i))
		}
		length[8] = 1
		if p == nil {
			length[8] = 0
		}
		_, _ = d.Write(length[:])
		_, _ = d.Write(p)
	}
	part([]byte(topic))
	part(key)
	part(value)
	for _, h := range headers {
		if bytes.HasPrefix(h.Key, []byte("relay-")) || string(h.Key) == transaction {
			continue
		}
		part(h.Key)
		part(h.Value)
	}
	return d.Sum64()
}

func hashKey(key []byte) uint64 { return xxhash.Sum64(key) }
