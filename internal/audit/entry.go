package audit

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/outbox-relay/relay/outbox"
)

// kind of an entry. Entries of one id come in this order.
type kind byte

const (
	kindRow     kind = iota + 1 // a row of the table
	kindRecord                  // a record of this relay in an event topic
	kindForeign                 // a record without a relay-seq of this relay
	kindParked                  // an event in the parked topic
)

// entry is what is kept of a row or record until all of an id have come together.
type entry struct {
	kind    kind
	content uint64 // hash of topic, key, value and the application's headers
	xid     uint32 // of the transaction; 0: not known. A row has that of its savepoint, if it was written under one.

	// Of a row.
	created int64  // milliseconds since the Unix epoch; 0: the table does not say
	topic   uint32 // where it should be, as numbered by places
	asked   bool   // it must be in Kafka
	bad     bool   // it cannot be published: it must be parked, if anything

	// Of a record.
	partition uint32 // as numbered by places
	offset    int64
	position  outbox.Position
	// later: published after the checkpoint that is audited. Of a parked event: it is parked no more; of a row: it was.
	later bool
}

// appendTo appends the fixed form of an entry. The kind comes first: it orders the entries of an id.
func (e *entry) appendTo(dst []byte) []byte {
	flags := byte(0)
	for i, set := range []bool{e.asked, e.bad, e.later} {
		if set {
			flags |= 1 << i
		}
	}
	b := binary.BigEndian
	dst = append(dst, byte(e.kind), flags)
	dst = b.AppendUint64(dst, e.content)
	dst = b.AppendUint32(dst, e.xid)
	dst = b.AppendUint64(dst, uint64(e.created))
	dst = b.AppendUint32(dst, e.topic)
	dst = b.AppendUint32(dst, e.partition)
	dst = b.AppendUint64(dst, uint64(e.offset))
	dst = b.AppendUint32(dst, e.position.Timeline)
	dst = b.AppendUint64(dst, uint64(e.position.CommitLSN))
	return b.AppendUint32(dst, e.position.Index)
}

// read reads what appendTo wrote.
func (e *entry) read(p []byte) {
	b := binary.BigEndian
	*e = entry{
		kind: kind(p[0]), asked: p[1]&1 != 0, bad: p[1]&2 != 0, later: p[1]&4 != 0,
		content: b.Uint64(p[2:]), xid: b.Uint32(p[10:]), created: int64(b.Uint64(p[14:])), topic: b.Uint32(p[22:]),
		partition: b.Uint32(p[26:]), offset: int64(b.Uint64(p[30:])),
		position: outbox.Position{Timeline: b.Uint32(p[38:]), CommitLSN: outbox.LSN(b.Uint64(p[42:])), Index: b.Uint32(p[50:])},
	}
}

// An id that is written as Postgres writes a uuid is kept in 16 bytes: a key is one byte that says which form follows.
const (
	keyText byte = iota
	keyUUID
)

// appendKey appends the key of an id.
func appendKey(dst, id []byte) []byte {
	if len(id) != 36 {
		return append(append(dst, keyText), id...)
	}
	at := len(dst)
	dst = append(dst, keyUUID)
	for i := 0; i < 36; {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if id[i] != '-' {
				return append(append(dst[:at], keyText), id...)
			}
			i++
			continue
		}
		high, ok1 := hexDigit(id[i])
		low, ok2 := hexDigit(id[i+1])
		if !ok1 || !ok2 {
			return append(append(dst[:at], keyText), id...)
		}
		dst = append(dst, high<<4|low)
		i += 2
	}
	return dst
}

// hexDigit reads a digit in lower case only: what is kept must come back as it was written.
func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// idOf is the id that a key was made of.
func idOf(key []byte) string {
	if key[0] == keyText {
		return string(key[1:])
	}
	h := hex.EncodeToString(key[1:])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}
