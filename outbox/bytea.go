package outbox

import "bytes"

// copyBytea decodes bytea in its hexadecimal text form ("\x00ff", bytea_output = hex) into the batch.
func copyBytea(b *Batch, text []byte) ([]byte, bool) {
	digits, ok := bytes.CutPrefix(text, []byte(`\x`))
	if !ok || len(digits)%2 != 0 {
		return nil, false
	}
	out := b.Alloc(len(digits) / 2)
	for i := range out {
		high, ok1 := hexDigit(digits[2*i])
		low, ok2 := hexDigit(digits[2*i+1])
		if !ok1 || !ok2 {
			return nil, false
		}
		out[i] = high<<4 | low
	}
	return out, true
}
