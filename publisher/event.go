package publisher

import (
	"strconv"
	"strings"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Event is one committed record of an event topic.
type Event struct {
	Topic      string
	Partition  int32
	Offset     int64
	Time       time.Time // the record's timestamp
	Key, Value []byte    // nil: null
	Headers    []outbox.Header
}

// Header is the last header of that name. Relay writes its own behind those of the application.
func (e *Event) Header(name string) (value []byte, ok bool) {
	for i := len(e.Headers) - 1; i >= 0; i-- {
		if string(e.Headers[i].Key) == name {
			return e.Headers[i].Value, true
		}
	}
	return nil, false
}

// Origin is what Relay's headers say of an event.
type Origin struct {
	Relay      string // with the shard, as in payments.1
	Generation int64  // time of init or adopt, milliseconds since the Unix epoch
	Seq        uint64 // number of the event since then
	Position   outbox.Position
	Piece      uint32    // of a transaction that was published in pieces; 0: it was not
	CommitTime time.Time // the event's own time, where another one stands in the record; zero otherwise
}

// Origin decodes Relay's headers. false: they are not there, or not as Relay writes them, so another producer wrote the
// record.
func (e *Event) Origin() (Origin, bool) {
	seq, hasSeq := e.Header(HeaderSeq)
	position, hasPosition := e.Header(HeaderPosition)
	if !hasSeq || !hasPosition {
		return Origin{}, false
	}
	var o Origin
	parts := strings.Split(string(seq), "/")
	if len(parts) != 3 || parts[0] == "" {
		return Origin{}, false
	}
	var errs [3]error
	o.Relay = parts[0]
	o.Generation, errs[0] = strconv.ParseInt(parts[1], 10, 64)
	o.Seq, errs[1] = strconv.ParseUint(parts[2], 10, 64)
	o.Position, errs[2] = outbox.ParsePosition(string(position))
	if errs != [3]error{} {
		return Origin{}, false
	}
	return o, e.optional(&o)
}

// optional decodes the headers that few events have.
func (e *Event) optional(o *Origin) bool {
	if text, ok := e.Header(HeaderPiece); ok {
		piece, err := strconv.ParseUint(string(text), 10, 32)
		if err != nil {
			return false
		}
		o.Piece = uint32(piece)
	}
	if text, ok := e.Header(HeaderCommitTime); ok {
		at, err := time.Parse(timeLayout, string(text))
		if err != nil {
			return false
		}
		o.CommitTime = at
	}
	return true
}

func newEvent(topic string, partition int32, r committed) Event {
	e := Event{Topic: topic, Partition: partition, Offset: r.offset, Time: r.time.UTC(), Key: r.record.Key, Value: r.record.Value}
	if n := len(r.record.Headers); n > 0 {
		e.Headers = make([]outbox.Header, n)
	}
	for i, h := range r.record.Headers {
		e.Headers[i] = outbox.Header{Key: h.Key, Value: h.Value}
	}
	return e
}
