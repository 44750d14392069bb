package outbox

import "bytes"

// bytea decodes bytea in its hexadecimal text form ("\x00ff", bytea_output = hex). The result is not nil.
func (s *scratch) bytea(text []byte) ([]byte, bool) {
	at := len(s.buf)
	var ok bool
	s.buf, ok = appendBytea(s.buf, text)
	return s.buf[at:len(s.buf):len(s.buf)], ok
}

// appendBytea decodes it behind dst; the result is not nil.
func appendBytea(dst, text []byte) ([]byte, bool) {
	digits, ok := bytes.CutPrefix(text, []byte(`\x`))
	if !ok || len(digits)%2 != 0 {
		return dst, false
	}
	if dst == nil {
		dst = make([]byte, 0, len(digits)/2)
	}
	for ; len(digits) > 0; digits = digits[2:] {
		high, ok1 := hexDigit(digits[0])
		low, ok2 := hexDigit(digits[1])
		if !ok1 || !ok2 {
			return dst, false
		}
		dst = append(dst, high<<4|low)
	}
	return dst, true
}
