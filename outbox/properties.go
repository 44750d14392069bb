package outbox

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// EachProperty reads text in the form of java.util.Properties and calls f for each entry, in order. The slices are
// f's own. It stops when f returns false, and says whether the text was well formed.
func EachProperty(text []byte, f func(key, value []byte) bool) bool {
	for len(text) > 0 {
		var line []byte
		line, text = logicalLine(text)
		if len(line) == 0 {
			continue
		}
		end := keyEnd(line)
		key, ok1 := unescapeProperty(line[:end])
		value, ok2 := unescapeProperty(afterSeparator(line[end:]))
		if !ok1 || !ok2 {
			return false
		}
		if !f(key, value) {
			return true
		}
	}
	return true
}

// logicalLine joins a line with those that a backslash at its end continues. A comment gives an empty line.
func logicalLine(text []byte) (line, rest []byte) {
	for first := true; ; first = false {
		natural := text
		if end := bytes.IndexAny(text, "\r\n"); end >= 0 {
			natural, text = text[:end], bytes.TrimPrefix(text[end:], []byte{'\r'})
			text = bytes.TrimPrefix(text, []byte{'\n'})
		} else {
			text = nil
		}
		natural = bytes.TrimLeft(natural, " \t\f")
		if first && len(natural) > 0 && (natural[0] == '#' || natural[0] == '!') {
			return nil, text
		}
		backslashes := len(natural) - len(bytes.TrimRight(natural, `\`))
		if backslashes%2 == 0 {
			return append(line, natural...), text
		}
		line = append(line, natural[:len(natural)-1]...)
		if len(text) == 0 {
			return line, nil
		}
	}
}

// keyEnd is where the key ends: at the first blank, = or : that is not escaped.
func keyEnd(line []byte) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ' ', '\t', '\f', '=', ':':
			return i
		}
	}
	return len(line)
}

// afterSeparator skips blanks with one = or : among them.
func afterSeparator(rest []byte) []byte {
	rest = bytes.TrimLeft(rest, " \t\f")
	if len(rest) > 0 && (rest[0] == '=' || rest[0] == ':') {
		rest = bytes.TrimLeft(rest[1:], " \t\f")
	}
	return rest
}

func unescapeProperty(raw []byte) ([]byte, bool) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r, n := propertyRune(raw[i+1:])
			if n == 0 {
				return nil, false
			}
			out = utf8.AppendRune(out, r)
			i += n
		default:
			out = append(out, raw[i])
		}
	}
	return out, true
}

// propertyRune reads what follows \u; n is the number of bytes read, 0 if there are no four hexadecimal digits.
func propertyRune(raw []byte) (r rune, n int) {
	if len(raw) < 4 {
		return 0, 0
	}
	r, ok := hex4(raw)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) && len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low, ok := hex4(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return r, 4
}
