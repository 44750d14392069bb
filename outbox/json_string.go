package outbox

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped resolves the escapes of a string that the scanner has checked.
func appendUnescaped(dst, raw []byte) ([]byte, error) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n := unicodeEscape(raw[i+1:])
			if n == 0 {
				return dst, errJSONUnicode
			}
			dst = utf8.AppendRune(dst, r)
			i += n
		default:
			dst = append(dst, raw[i])
		}
	}
	return dst, nil
}

// unicodeEscape reads what follows \u: four hexadecimal digits, or two times four with \u between them for a character
// beyond the basic plane. n is the number of bytes read, 0 for half of a pair.
func unicodeEscape(raw []byte) (r rune, n int) {
	high, _ := hex4(raw)
	if !utf16.IsSurrogate(high) {
		return high, 4
	}
	if len(raw) < 10 || raw[4] != '\\' || raw[5] != 'u' {
		return 0, 0
	}
	low, _ := hex4(raw[6:])
	if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
		return r, 10
	}
	return 0, 0
}

func hex4(p []byte) (rune, bool) {
	var r rune
	for _, c := range p[:4] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
