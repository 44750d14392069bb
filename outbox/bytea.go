package outbox

import "bytes"

// copyBytea decodes bytea in its hexadecimal text form ("\x00ff", bytea_output = hex) into the batch.
func copyBytea(b *Batch, text []byte) ([]byte, bool) {
	return appendBytea(b.Alloc(len(text) / 2)[:0], text)
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
