package outbox

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Batch holds records in memory of its own: a row is copied once, into the batch, and nothing is allocated for it
// afterwards. None of that memory contains a pointer, so the garbage collector does not look into it, however many
// records a batch has. A batch is used by one goroutine at a time and is emptied by Reset, which keeps its memory.
type Batch struct {
	entries []entry
	bytes   arena
	topics  []string // of the records; an entry has an index
	numbers map[string]uint32
}

// entry is what a record has in fixed length; its id, key, value and headers lie one behind the other at spot.
type entry struct {
	position                Position
	timestamp               int64
	spot                    spot
	idLen, keyLen, valueLen uint32
	headersLen              uint32 // with their lengths
	topic                   uint32
	partition               int32
	xid                     uint32
	headers                 uint32 // count
}

// lenNull is the length of a null key or value.
const lenNull = math.MaxUint32

// Mark is a place in a batch, to go back to.
type Mark struct {
	entries int
	bytes   arenaMark
}

// Append copies a record to the end of the batch. All memory that r points to may be used again.
func (b *Batch) Append(r *Record) {
	e := entry{
		position: r.Position, timestamp: r.Timestamp, topic: b.topicNumber(r.Topic), partition: r.Partition, xid: r.XID,
		idLen: uint32(len(r.ID)), keyLen: lenOf(r.Key), valueLen: lenOf(r.Value), headers: uint32(len(r.Headers)),
	}
	for i := range r.Headers {
		e.headersLen += headerFrame + uint32(len(r.Headers[i].Key)+len(r.Headers[i].Value))
	}
	to := b.bytes.alloc(len(r.ID)+len(r.Key)+len(r.Value)+int(e.headersLen), &e.spot)
	to = to[copy(to, r.ID):]
	to = to[copy(to, r.Key):]
	to = to[copy(to, r.Value):]
	for i := range r.Headers {
		to = putHeader(to, &r.Headers[i])
	}
	b.entries = append(b.entries, e)
}

// Read makes r the record at i. Its slices point into the batch; those of r.Headers are used again.
func (b *Batch) Read(i int, r *Record) {
	e := &b.entries[i]
	from := b.bytes.at(e.spot)
	r.Topic, r.Partition, r.Timestamp, r.Position, r.XID = b.topics[e.topic], e.partition, e.timestamp, e.position, e.xid
	r.ID, from = cut(from, e.idLen)
	r.Key, from = cut(from, e.keyLen)
	r.Value, from = cut(from, e.valueLen)
	r.Headers = r.Headers[:0]
	for range e.headers {
		var h Header
		keyLen, valueLen := binary.LittleEndian.Uint32(from), binary.LittleEndian.Uint32(from[4:])
		h.Key, from = cut(from[headerFrame:], keyLen)
		h.Value, from = cut(from, valueLen)
		r.Headers = append(r.Headers, h)
	}
}

// At is the record at i, pointing into the batch. It allocates for the headers: Read does not.
func (b *Batch) At(i int) Record {
	var r Record
	b.Read(i, &r)
	return r
}

// Topic is the topic of the record at i.
func (b *Batch) Topic(i int) string { return b.topics[b.entries[i].topic] }

// Route is what decides the partition of the record at i: its key, and the partition that a column names.
func (b *Batch) Route(i int) (key []byte, partition int32) {
	e := &b.entries[i]
	key, _ = cut(b.bytes.at(e.spot)[e.idLen:], e.keyLen)
	return key, e.partition
}

// Position is that of the record at i.
func (b *Batch) Position(i int) Position { return b.entries[i].position }

// Timestamp is that of the record at i, in milliseconds since the Unix epoch.
func (b *Batch) Timestamp(i int) int64 { return b.entries[i].timestamp }

// Shape is how much the record at i has to encode: the bytes of its key and value, those of the keys and values of its
// headers, and their number.
func (b *Batch) Shape(i int) (payload, headerBytes, headers int) {
	e := &b.entries[i]
	return length(e.keyLen) + length(e.valueLen), int(e.headersLen) - headerFrame*int(e.headers), int(e.headers)
}

// Len is the number of records.
func (b *Batch) Len() int { return len(b.entries) }

// Size is the memory that the records use, in bytes, with what is lost at the ends of chunks. A budget counts this; it
// is 0 after Reset.
func (b *Batch) Size() int { return b.bytes.used() + len(b.entries)*entrySize }

// Held is the memory that the batch keeps, in bytes, used or not: Reset does not change it, except that records larger
// than a quarter of a chunk are given back. It exceeds the largest Size so far by a chunk and a quarter of the entries
// at most.
func (b *Batch) Held() int { return b.bytes.held() + cap(b.entries)*entrySize }

// Mark remembers the present end of the batch.
func (b *Batch) Mark() Mark { return Mark{entries: len(b.entries), bytes: b.bytes.mark()} }

// Truncate drops everything behind m.
func (b *Batch) Truncate(m Mark) {
	b.entries = b.entries[:m.entries]
	b.bytes.release(m.bytes)
}

// MoveTail moves the records behind m to the end of dst, copying their memory.
func (b *Batch) MoveTail(m Mark, dst *Batch) {
	var r Record
	for i := m.entries; i < len(b.entries); i++ {
		b.Read(i, &r)
		dst.Append(&r)
	}
	b.Truncate(m)
}

// Reset empties the batch and keeps its memory for the next use.
func (b *Batch) Reset() {
	b.Truncate(Mark{})
	clear(b.topics)
	b.topics = b.topics[:0]
	clear(b.numbers)
}

// topicNumber finds or adds a topic. Records mostly follow others to the same one.
func (b *Batch) topicNumber(topic string) uint32 {
	if n := len(b.entries); n > 0 {
		if last := b.entries[n-1].topic; b.topics[last] == topic {
			return last
		}
	}
	number, known := b.numbers[topic]
	if !known {
		if b.numbers == nil {
			b.numbers = make(map[string]uint32)
		}
		number = uint32(len(b.topics))
		b.topics = append(b.topics, topic)
		b.numbers[topic] = number
	}
	return number
}

const (
	entrySize   = int(unsafe.Sizeof(entry{}))
	headerFrame = 8 // two lengths in front of a header's bytes
)

func putHeader(to []byte, h *Header) []byte {
	binary.LittleEndian.PutUint32(to, uint32(len(h.Key)))
	binary.LittleEndian.PutUint32(to[4:], lenOf(h.Value))
	to = to[headerFrame:]
	to = to[copy(to, h.Key):]
	return to[copy(to, h.Value):]
}

func lenOf(p []byte) uint32 {
	if p == nil {
		return lenNull
	}
	return uint32(len(p))
}

func length(n uint32) int {
	if n == lenNull {
		return 0
	}
	return int(n)
}

// cut takes n bytes off the front; nothing, and nil, for lenNull.
func cut(from []byte, n uint32) (p, rest []byte) {
	if n == lenNull {
		return nil, from
	}
	return from[:n:n], from[n:]
}
