package outbox

import (
	"bytes"
	"errors"
	"strconv"
)

// reservedHeaderPrefix begins the headers that the publisher writes last: readers prove exactly once by them, so an
// application must not write one.
const reservedHeaderPrefix = "relay-"

// headerWriter collects the headers of one event: the configured ones, then the application's.
type headerWriter struct {
	id, typ, transaction []byte // names; nil leaves one out

	list []Header // scratch: the headers of the event at hand
	text []byte   // scratch: an unescaped string
}

func newHeaderWriter(names HeaderNames) headerWriter {
	name := func(s string) []byte {
		if s == "" {
			return nil
		}
		return []byte(s)
	}
	return headerWriter{id: name(names.ID), typ: name(names.Type), transaction: name(names.Transaction)}
}

// begin starts an event with the configured headers.
func (w *headerWriter) begin(s *scratch, id, eventType []byte, xid uint32) {
	w.list = w.list[:0]
	if w.id != nil {
		w.list = append(w.list, Header{Key: w.id, Value: id})
	}
	if w.typ != nil {
		w.list = append(w.list, Header{Key: w.typ, Value: eventType})
	}
	if w.transaction != nil {
		w.text = strconv.AppendUint(w.text[:0], uint64(xid), 10)
		w.list = append(w.list, Header{Key: w.transaction, Value: s.keep(w.text)})
	}
}

// object adds the members of a JSON object: strings as their text, null as a null value, other values as their JSON
// text as it stands there.
func (w *headerWriter) object(s *scratch, object []byte) *fault {
	in := jsonScanner{data: object}
	more, err := in.open('{', '}')
	for ; more && err == nil; more, err = in.next('}') {
		rawName, err := in.key()
		if err != nil {
			return badHeaders(err)
		}
		kind, text, err := in.value(1)
		if err != nil {
			return badHeaders(err)
		}
		name, err := w.unquoted(s, rawName)
		if err != nil {
			return badHeaders(err)
		}
		if w.forges(name) {
			return faultf(ReasonForgedHeader, "header %q is Relay's own", printable(name))
		}
		value, err := w.value(s, kind, text)
		if err != nil {
			return badHeaders(err)
		}
		w.list = append(w.list, Header{Key: name, Value: value})
	}
	if err != nil || !in.end() {
		return badHeaders(errJSONSyntax)
	}
	return nil
}

func badHeaders(err error) *fault {
	if errors.Is(err, errJSONSyntax) {
		return faultf(ReasonBadHeaders, "headers are not a JSON object")
	}
	return faultf(ReasonBadHeaders, "headers: the text %s", err)
}

func (w *headerWriter) value(s *scratch, kind jsonKind, text []byte) ([]byte, error) {
	switch kind {
	case 'n':
		return nil, nil
	case '"':
		return w.unquoted(s, text[1:len(text)-1])
	}
	return text, nil
}

func (w *headerWriter) unquoted(s *scratch, raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	var err error
	if w.text, err = appendUnescaped(w.text[:0], raw); err != nil {
		return nil, err
	}
	return s.keep(w.text), nil
}

// forges says whether an application's header would be taken for one of Relay's.
func (w *headerWriter) forges(name []byte) bool {
	return reserved(name) || w.configured(name)
}

// reserved says whether a name begins like Relay's own, in capitals too: bridges to HTTP fold them.
func reserved(name []byte) bool {
	return len(name) >= len(reservedHeaderPrefix) && bytes.EqualFold(name[:len(reservedHeaderPrefix)], []byte(reservedHeaderPrefix))
}

func (w *headerWriter) configured(name []byte) bool {
	return w.id != nil && bytes.Equal(name, w.id) ||
		w.typ != nil && bytes.Equal(name, w.typ) ||
		w.transaction != nil && bytes.Equal(name, w.transaction)
}
