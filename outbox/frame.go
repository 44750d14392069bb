package outbox

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

const (
	frameVersion = "1" // of the frame that this package reads
	uuidLen      = 36
)

// frame is the first line of a WAL message, which stands for the columns of the table:
//
//	{"v":1,"id":"<uuid>","aggregate_type":"payment","aggregate_id":"42","event_type":"PaymentBooked",
//	 "headers":{...},"topic":"...","tombstone":false}
//
// all of it on one line, then a newline and the bytes of the payload. headers, topic and tombstone may be left out or
// null. It keeps to the rules of the table.
type frame struct {
	seen      uint // bit n: the n-th frameKey was there
	tombstone bool
	text      []byte // scratch: unescaped strings, which values point into
}

type frameKey int

const (
	frameV frameKey = iota
	frameID
	frameAggregateType
	frameAggregateID
	frameEventType
	frameHeaders
	frameTopic
	frameTombstone
	frameKeys

	requiredFrameKeys = 1<<frameHeaders - 1 // those before headers
)

func (k frameKey) name() string {
	return [frameKeys]string{
		"v", "id", "aggregate_type", "aggregate_id", "event_type", "headers", "topic", "tombstone",
	}[k]
}

// frameKeyOf is the key of that name, frameKeys for any other.
func frameKeyOf(name []byte) frameKey {
	switch string(name) {
	case "v":
		return frameV
	case "id":
		return frameID
	case "aggregate_type":
		return frameAggregateType
	case "aggregate_id":
		return frameAggregateID
	case "event_type":
		return frameEventType
	case "headers":
		return frameHeaders
	case "topic":
		return frameTopic
	case "tombstone":
		return frameTombstone
	}
	return frameKeys
}

// read splits the content of a message into the values of an event's fields and checks them. A tombstone has a nil
// payload, any other message one that is not nil. The values borrow from content and from the frame.
func (f *frame) read(content []byte, values [][]byte) *fault {
	line, payload, ok := bytes.Cut(content, []byte{'\n'})
	if !ok {
		return faultf(ReasonBadFrame, "the message has no line of JSON with a newline behind it")
	}
	if !utf8.Valid(line) {
		return faultf(ReasonBadFrame, "the first line is not UTF-8")
	}
	*f = frame{text: f.text[:0]}
	if room := len(line) + uuidLen; cap(f.text) < room {
		f.text = make([]byte, 0, 2*room) // for every string of the line: what values point into must not move
	}
	if detail := f.members(line, values); detail != "" {
		return &fault{ReasonBadFrame, detail}
	}
	if bad := f.check(values); bad != nil {
		return bad
	}
	return f.payload(payload, values)
}

func (f *frame) members(line []byte, values [][]byte) string {
	s := jsonScanner{data: line}
	more, err := s.open('{', '}')
	for ; more && err == nil; more, err = s.next('}') {
		name, err := s.key()
		if err != nil {
			return "the first line " + err.Error()
		}
		kind, text, err := s.value(1)
		if err != nil {
			return "the first line " + err.Error()
		}
		if detail := f.member(name, kind, text, values); detail != "" {
			return detail
		}
	}
	if err != nil || !s.end() {
		return "the first line is not a JSON object"
	}
	if missing := requiredFrameKeys &^ f.seen; missing != 0 {
		for k := range frameKeys {
			if missing&(1<<k) != 0 {
				return fmt.Sprintf("%q is missing", k.name())
			}
		}
	}
	return ""
}

func (f *frame) member(name []byte, kind jsonKind, text []byte, values [][]byte) string {
	key := frameKeyOf(name)
	if key == frameKeys {
		return fmt.Sprintf("%q is not a member of a frame of version %s", printable(name), frameVersion)
	}
	if f.seen&(1<<key) != 0 {
		return fmt.Sprintf("%q stands there twice", key.name())
	}
	f.seen |= 1 << key
	if kind == 'n' && key >= frameHeaders {
		return "" // as if it had been left out
	}
	return f.set(key, kind, text, values)
}

func (f *frame) set(key frameKey, kind jsonKind, text []byte, values [][]byte) string {
	switch key {
	case frameV:
		if string(text) != frameVersion {
			return fmt.Sprintf("version %s of the frame is not known, only %s", printable(text), frameVersion)
		}
	case frameID:
		return f.setString(fieldID, key, kind, text, values)
	case frameAggregateType:
		return f.setString(fieldAggregateType, key, kind, text, values)
	case frameAggregateID:
		return f.setString(fieldAggregateID, key, kind, text, values)
	case frameEventType:
		return f.setString(fieldEventType, key, kind, text, values)
	case frameTopic:
		return f.setString(fieldTopic, key, kind, text, values)
	case frameHeaders:
		values[fieldHeaders] = text
	case frameTombstone:
		if kind != 't' && kind != 'f' {
			return `"tombstone" is neither true nor false`
		}
		f.tombstone = kind == 't'
	}
	return ""
}

func (f *frame) setString(to field, key frameKey, kind jsonKind, text []byte, values [][]byte) string {
	if kind != '"' {
		return fmt.Sprintf("%q is not a string", key.name())
	}
	start := len(f.text)
	var err error
	if f.text, err = appendUnescaped(f.text, text[1:len(text)-1]); err != nil {
		return fmt.Sprintf("%q %s", key.name(), err)
	}
	values[to] = f.text[start:]
	return ""
}

// check applies the rules of the table's domains. The topic is checked by routing.
func (f *frame) check(values [][]byte) *fault {
	start := len(f.text)
	var ok bool
	if f.text, ok = appendUUID(f.text, values[fieldID]); !ok {
		return faultf(ReasonBadID, "id is not a uuid")
	}
	values[fieldID] = f.text[start:]
	for _, detail := range [...]string{
		checkAggregateType(values[fieldAggregateType]),
		checkAggregateID(values[fieldAggregateID]),
		checkEventType(values[fieldEventType]),
	} {
		if detail != "" {
			return &fault{ReasonBadName, detail}
		}
	}
	if n := len(values[fieldHeaders]); n > MaxHeadersBytes {
		return faultf(ReasonBadHeaders, "headers have %d bytes, at most %d are allowed", n, MaxHeadersBytes)
	}
	return nil
}

func (f *frame) payload(payload []byte, values [][]byte) *fault {
	switch {
	case len(payload) > MaxPayloadBytes:
		return faultf(ReasonBadPayload, "payload has %d bytes, at most %d are allowed", len(payload), MaxPayloadBytes)
	case f.tombstone && len(payload) > 0:
		return faultf(ReasonBadFrame, "a tombstone has a payload")
	case f.tombstone:
		values[fieldPayload] = nil
	default:
		values[fieldPayload] = payload
	}
	return nil
}
