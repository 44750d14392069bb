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

	list []Header // scratch: the headers of the event at hand, their bytes in the batch
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

// begin starts an event with the configured headers. id and eventType lie in the batch already.
func (w *headerWriter) begin(b *Batch, id, eventType []byte, xid uint32) {
	w.list = w.list[:0]
	if w.id != nil {
		w.list = append(w.list, Header{Key: w.id, Value: id})
	}
	if w.typ != nil {
		w.list = append(w.list, Header{Key: w.typ, Value: eventType})
	}
	if w.transaction != nil {
		w.text = strconv.AppendUint(w.text[:0], uint64(xid), 10)
		w.list = append(w.list, Header{Key: w.transaction, Value: b.Copy(w.text)})
	}
}

// object adds the members of a JSON object: strings as their text, null as a null value, other values as their JSON
// text as it stands there.
func (w *headerWriter) object(b *Batch, object []byte) *fault {
	s := jsonScanner{data: object}
	more, err := s.open('{', '}')
	for ; more && err == nil; more, err = s.next('}') {
		rawName, err := s.key()
		if err != nil {
			return badHeaders(err)
		}
		kind, text, err := s.value(1)
		if err != nil {
			return badHeaders(err)
		}
		name, err := w.copyString(b, rawName)
		if err != nil {
			return badHeaders(err)
		}
		if w.forges(name) {
			return faultf(ReasonForgedHeader, "header %q is Relay's own", printable(name))
		}
		value, err := w.copyValue(b, kind, text)
		if err != nil {
			return badHeaders(err)
		}
		w.list = append(w.list, Header{Key: name, Value: value})
	}
	if err != nil || !s.end() {
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

func (w *headerWriter) copyValue(b *Batch, kind jsonKind, text []byte) ([]byte, error) {
	switch kind {
	case 'n':
		return nil, nil
	case '"':
		return w.copyString(b, text[1:len(text)-1])
	}
	return b.Copy(text), nil
}

func (w *headerWriter) copyString(b *Batch, raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return b.Copy(raw), nil
	}
	var err error
	if w.text, err = appendUnescaped(w.text[:0], raw); err != nil {
		return nil, err
	}
	return b.Copy(w.text), nil
}

// forges says whether an application's header would be taken for one of Relay's.
func (w *headerWriter) forges(name []byte) bool {
	return bytes.HasPrefix(name, []byte(reservedHeaderPrefix)) || w.configured(name)
}

func (w *headerWriter) configured(name []byte) bool {
	return w.id != nil && bytes.Equal(name, w.id) ||
		w.typ != nil && bytes.Equal(name, w.typ) ||
		w.transaction != nil && bytes.Equal(name, w.transaction)
}

// finish moves the collected headers into the batch.
func (w *headerWriter) finish(b *Batch) []Header {
	if len(w.list) == 0 {
		return nil
	}
	headers := b.AllocHeaders(len(w.list))
	copy(headers, w.list)
	return headers
}
