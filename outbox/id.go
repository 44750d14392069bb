package outbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// ID is an event's uuid. The zero ID is none.
type ID [16]byte

// NewID makes a uuid that sorts by time: version 7 of RFC 9562, as the table's own default.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails, its contract says
	ms := uint64(time.Now().UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0F | 0x70 // version 7
	id[8] = id[8]&0x3F | 0x80 // the variant of RFC 9562
	return id
}

// ParseID reads a uuid as String prints it, in capitals too: what the header id of a record holds.
func ParseID(s string) (ID, error) {
	var id ID
	canonical, ok := appendUUID(make([]byte, 0, uuidLen), []byte(s))
	if !ok {
		return id, fmt.Errorf("parse event id %q: not a uuid", printable([]byte(s)))
	}
	digits := make([]byte, 0, 2*len(id))
	for _, c := range canonical {
		if c != '-' {
			digits = append(digits, c)
		}
	}
	_, err := hex.Decode(id[:], digits)
	return id, err
}

// String prints the id as Postgres prints a uuid.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
