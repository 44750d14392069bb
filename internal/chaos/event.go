package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// event is what the workload writes. What the oracle wants to know travels in its headers.
type event struct {
	id            uuid.UUID
	aggregateType string
	key           string
	n             int64 // counts the events of the key, in the order of their commits
	tx            string
	size          int // events of the transaction
	kept          bool
	value         []byte // nil: a tombstone
	binary        bool   // value is not JSON
}

// typeOf is the aggregate type of all events with that key.
func typeOf(key string) string {
	types := aggregateTypes()
	return types[len(key)%len(types)]
}

// Headers of the workload's events.
const (
	headerID   = "id" // Relay's own
	headerN    = "n"
	headerTx   = "tx"
	headerSize = "size"
	// headerFate is for people who look at an event that should not be there: kept, or taken back by a savepoint or
	// with its transaction, or loose.
	headerFate = "fate"
)

const (
	fateKept       = "kept"
	fateUndone     = "undone by a savepoint"
	fateRolledBack = "rolled back"
	fateLoose      = "loose WAL message"
)

func (e *event) headers(fate string) string {
	text, _ := json.Marshal(map[string]string{ // strings cannot fail
		headerN: strconv.FormatInt(e.n, 10), headerTx: e.tx, headerSize: strconv.Itoa(e.size), headerFate: fate,
	})
	return string(text)
}

// payload is the column of the outbox table, NULL for other values.
func (e *event) payload() *string {
	if e.value == nil || e.binary {
		return nil
	}
	text := string(e.value)
	return &text
}

// payloadBytes is the column of the outbox table, nil for other values.
func (e *event) payloadBytes() []byte {
	if !e.binary {
		return nil
	}
	return e.value
}

// frame is the event as a WAL message: a line of JSON and the value.
func (e *event) frame(fate string) []byte {
	line, _ := json.Marshal(map[string]any{ // strings cannot fail
		"v": 1, "id": e.id, "aggregate_type": e.aggregateType, "aggregate_id": e.key, "event_type": "Changed",
		"headers": json.RawMessage(e.headers(fate)), "tombstone": e.value == nil,
	})
	return append(append(line, '\n'), e.value...)
}

// fillValue makes up the value: JSON with numbers and text that must arrive byte for byte, a tombstone now and then, some
// bytes that are no text, and a few that are too large for a page of Postgres.
func (e *event) fillValue(rng *rand.Rand) {
	switch n := rng.IntN(100); {
	case n < 4:
		e.value = nil
	case n < 12:
		e.binary = true
		e.value = make([]byte, 1+rng.IntN(300))
		for i := range e.value {
			e.value[i] = byte(rng.Uint32())
		}
	case n < 14:
		e.value = fmt.Appendf(nil, `{"tx":%q,"n":%d,"long":%q}`, e.tx, e.n, randomText(rng, 10_000+rng.IntN(20_000)))
	default:
		e.value = fmt.Appendf(nil, `{"tx":%q, "n":%d,"amount":%d.%d0,"1e3":1e3,"text":"\u00fcñ日 %s"}`, e.tx, e.n, rng.IntN(1000), rng.IntN(10),
			randomText(rng, rng.IntN(200)))
	}
}

// randomText does not compress well.
func randomText(rng *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789"
	var b strings.Builder
	for range n {
		b.WriteByte(letters[rng.IntN(len(letters))])
	}
	return b.String()
}
