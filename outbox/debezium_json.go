package outbox

import (
	"bytes"
	"strconv"
)

// appendJSON appends a value as Kafka Connect's JsonConverter without schemas writes it. A nil text is NULL.
func (t connectType) appendJSON(dst, text []byte) ([]byte, error) {
	if text == nil {
		return append(dst, "null"...), nil
	}
	switch t.kind {
	case kindText:
		return appendQuoted(dst, text), nil
	case kindDecimal:
		dst, _, err := appendConnectDecimal(append(dst, '"'), text)
		return append(dst, '"'), err
	case kindVariableDecimal:
		return appendVariableDecimal(dst, text)
	case kindTimestamptz:
		dst, err := appendISO(append(dst, '"'), text, int(t.width))
		return append(dst, '"'), err
	case kindTimetz:
		dst, err := appendISOTime(append(dst, '"'), text)
		return append(dst, '"'), err
	case kindBytes:
		dst, err := appendBase64(append(dst, '"'), text)
		return append(dst, '"'), err
	case kindArray:
		return t.appendArray(dst, text, connectType.appendJSON)
	case kindFloat:
		switch string(text) {
		case "NaN", "Infinity", "-Infinity":
			return appendQuoted(dst, text), nil
		}
	}
	return t.appendScalar(dst, text)
}

// appendVariableDecimal appends a numeric whose scale belongs to the value: the smallest one that is not negative.
func appendVariableDecimal(dst, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '.') >= 0 {
		text = bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte{'.'})
	}
	var buf [64]byte
	encoded, scale, err := appendConnectDecimal(buf[:0], text)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `{"scale":`...)
	dst = strconv.AppendInt(dst, int64(scale), 10)
	dst = append(dst, `,"value":"`...)
	return append(append(dst, encoded...), `"}`...), nil
}

// appendQuoted appends text as a JSON string, escaped as Jackson does: what must be, control characters in upper case.
// Postgres escapes the same, in as many bytes (escape_json).
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		dst = appendEscaped(dst, text[i])
	}
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if c < 0x20 {
		const digits = "0123456789ABCDEF"
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xF])
	}
	return append(dst, c)
}

// appendExpanded appends a payload that is a JSON object or array as JSON, and says whether it is one. White space
// between values goes, strings are escaped as Jackson does, numbers keep every digit.
func appendExpanded(dst, text []byte) ([]byte, bool) {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return dst, false
	}
	s := jsonScanner{data: text}
	if _, _, err := s.value(0); err != nil || !s.end() {
		return dst, false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
		case '"':
			s := jsonScanner{data: text, at: i}
			raw, _ := s.str() // it was checked with the rest
			dst = appendRequoted(dst, raw)
			i = s.at - 1
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

// appendRequoted writes a JSON string again. Half of a surrogate pair stays as it is.
func appendRequoted(dst, raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') >= 0 {
		if plain, err := appendUnescaped(nil, raw); err == nil {
			return appendQuoted(dst, plain)
		}
	}
	dst = append(dst, '"')
	return append(append(dst, raw...), '"')
}
