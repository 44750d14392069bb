package outbox

import "bytes"

// appendArray appends what array_out prints of an array with one dimension, as JSON with elements in a form of their
// own.
func (t connectType) appendArray(dst, text []byte, appendElement func(t connectType, dst, text []byte) ([]byte, error)) ([]byte, error) {
	body, ok := bytes.CutPrefix(text, []byte{'{'})
	if !ok { // with bounds, "[2:3]={a,b}"
		return dst, errNoForm
	}
	element := connectType{kind: t.element}
	dst = append(dst, '[')
	for first := true; len(body) > 0 && body[0] != '}'; first = false {
		if !first {
			body = body[1:] // the comma
			dst = append(dst, ',')
		}
		value, rest, ok := nextElement(body)
		if !ok {
			return dst, errNoForm
		}
		var err error
		if dst, err = appendElement(element, dst, value); err != nil {
			return dst, err
		}
		body = rest
	}
	if string(body) != "}" {
		return dst, errNoForm
	}
	return append(dst, ']'), nil
}

// nextElement gives the next element, nil for NULL, and what follows it. A quoted one is copied.
func nextElement(body []byte) (value, rest []byte, ok bool) {
	if len(body) > 0 && body[0] == '"' {
		value = []byte{}
		for i := 1; i < len(body); i++ {
			switch body[i] {
			case '"':
				return value, body[i+1:], true
			case '\\':
				i++
				if i == len(body) {
					return nil, nil, false
				}
			}
			value = append(value, body[i])
		}
		return nil, nil, false
	}
	end := bytes.IndexAny(body, ",}")
	if end < 1 || body[0] == '{' {
		return nil, nil, false
	}
	if value = body[:end]; string(value) == "NULL" {
		value = nil
	}
	return value, body[end:], true
}

// appendHeaderElement is the form of an element in a header: Kafka Connect escapes quotes and backslashes only.
func appendHeaderElement(t connectType, dst, text []byte) ([]byte, error) {
	if text == nil {
		return append(dst, "null"...), nil
	}
	switch t.kind {
	case kindText:
	case kindBytes:
		dst, err := appendBase64(append(dst, '"'), text)
		return append(dst, '"'), err
	default:
		return t.appendText(dst, text)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"'), nil
}
