package outbox

import (
	"bytes"
	"errors"
	"slices"
)

// recordKey makes the key in the form of the key converter.
func (p *debeziumPlan) recordKey(row Row) ([]byte, *fault) {
	if !p.key.used() {
		return p.nullKey(), nil
	}
	text := p.key.of(row)
	if text == nil {
		return p.nullKey(), nil
	}
	form := connectType.appendText
	if p.mapper.options.Keys == ConvertJSON {
		form = connectType.appendJSON
	}
	return p.inForm(p.key, text, form)
}

// nullKey is null, or what JsonConverter makes of null: four letters, which are a key like any other.
func (p *debeziumPlan) nullKey() []byte {
	if p.mapper.options.Keys == ConvertJSON {
		return p.mapper.scratch.keep([]byte("null"))
	}
	return nil
}

// recordHeaders makes the header id, those that were placed, in order, and those of the tracing column.
func (p *debeziumPlan) recordHeaders(row Row) ([]Header, *fault) {
	m := p.mapper
	id, bad := p.inForm(p.id, p.id.of(row), connectType.appendText)
	if bad != nil {
		return nil, bad
	}
	m.headers = append(m.headers[:0], Header{Key: p.id.alias, Value: id})
	for _, c := range p.headers {
		h := Header{Key: c.alias}
		if text := c.of(row); text != nil {
			if h.Value, bad = p.inForm(c, text, connectType.appendText); bad != nil {
				return nil, bad
			}
		}
		m.headers = append(m.headers, h)
	}
	if bad := p.tracingHeaders(row); bad != nil {
		return nil, bad
	}
	return m.headers, nil
}

func (p *debeziumPlan) tracingHeaders(row Row) (bad *fault) {
	text := p.tracing.of(row)
	if text == nil {
		return nil
	}
	wellFormed := EachProperty(text, func(key, value []byte) bool {
		if p.forges(key) {
			bad = faultf(ReasonForgedHeader, "column %q: header %q is Relay's own", p.tracing.name, printable(key))
			return false
		}
		p.mapper.headers = append(p.mapper.headers, Header{Key: p.mapper.scratch.keep(key), Value: p.mapper.scratch.keep(value)})
		return true
	})
	if !wellFormed {
		return faultf(ReasonBadHeaders, "column %q is not in the form of java.util.Properties", p.tracing.name)
	}
	return bad
}

// forges says whether a header of the tracing column would be taken for another one.
func (p *debeziumPlan) forges(name []byte) bool {
	return reserved(name) || bytes.Equal(name, p.id.alias) ||
		slices.ContainsFunc(p.headers, func(c debeziumColumn) bool { return bytes.Equal(name, c.alias) })
}

// value makes the record value: the payload or, if columns are placed in it, an envelope.
func (p *debeziumPlan) value(row Row) ([]byte, *fault) {
	o, text := p.mapper.options, p.payload.of(row)
	if o.RouteTombstoneOnEmptyPayload && (text == nil || p.payload.form.kind == kindText && blank(text)) {
		return nil, nil
	}
	if p.mapper.enveloped() {
		return p.envelopeValue(row)
	}
	switch {
	case o.Values == ConvertJSON:
		return p.jsonValue(text)
	case text == nil:
		return nil, nil
	case o.Values == ConvertBytes:
		value, ok := p.mapper.scratch.bytea(text)
		if !ok {
			return nil, p.badColumn(p.payload, errNotBytea)
		}
		return value, nil
	}
	return p.inForm(p.payload, text, connectType.appendText)
}

// jsonValue is the payload alone.
func (p *debeziumPlan) jsonValue(text []byte) ([]byte, *fault) {
	var err error
	if p.mapper.text, err = p.appendPayload(p.mapper.text[:0], text); err != nil {
		return nil, p.badColumn(p.payload, err)
	}
	return p.mapper.scratch.keep(p.mapper.text), nil
}

func (p *debeziumPlan) envelopeValue(row Row) ([]byte, *fault) {
	dst, err := p.appendPayload(append(p.mapper.text[:0], `{"payload":`...), p.payload.of(row))
	if err != nil {
		return nil, p.badColumn(p.payload, err)
	}
	for _, c := range p.envelope {
		if dst, err = c.form.appendJSON(append(dst, c.alias...), c.of(row)); err != nil {
			return nil, p.badColumn(c, err)
		}
	}
	p.mapper.text = append(dst, '}')
	return p.mapper.scratch.keep(p.mapper.text), nil
}

// appendPayload appends the payload as JSON, expanded if that is wished and it is an object or array.
func (p *debeziumPlan) appendPayload(dst, text []byte) ([]byte, error) {
	if p.mapper.options.TableExpandJSONPayload && p.payload.form.kind == kindText {
		if expanded, ok := appendExpanded(dst, text); ok {
			return expanded, nil
		}
	}
	return p.payload.form.appendJSON(dst, text)
}

// inForm makes one of the forms of a value.
func (p *debeziumPlan) inForm(c debeziumColumn, text []byte, form func(t connectType, dst, text []byte) ([]byte, error)) ([]byte, *fault) {
	var err error
	if p.mapper.text, err = form(c.form, p.mapper.text[:0], text); err != nil {
		return nil, p.badColumn(c, err)
	}
	return p.mapper.scratch.keep(p.mapper.text), nil
}

func (p *debeziumPlan) badColumn(c debeziumColumn, err error) *fault {
	reason := ReasonBadPayload
	if errors.Is(err, errTimeSyntax) {
		reason = ReasonBadTimestamp
	}
	return faultf(reason, "column %q: the value %s", c.name, err)
}

// blank says whether Java's trim would leave nothing.
func blank(text []byte) bool {
	for _, c := range text {
		if c > ' ' {
			return false
		}
	}
	return true
}
