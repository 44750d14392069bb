package outbox

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"strconv"
)

// decimal is a number as its digits: 0.d1d2d3... times ten to the power of point. Digits begin and end with others than
// zero; zero has none.
type decimal struct {
	negative bool
	digits   []byte
	point    int
}

// parseFloatText takes what float8_out prints apart, without going through a float.
func parseFloatText(buf, text []byte) (d decimal, ok bool) {
	mantissa, exponent := text, 0
	if i := bytes.IndexByte(text, 'e'); i >= 0 {
		n, err := strconv.Atoi(string(text[i+1:]))
		if err != nil {
			return d, false
		}
		mantissa, exponent = text[:i], n
	}
	mantissa, d.negative = bytes.CutPrefix(mantissa, []byte{'-'})
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	d.digits = append(append(buf[:0], whole...), fraction...)
	d.point = len(whole) + exponent
	for _, c := range d.digits {
		if !isDigit(c) {
			return d, false
		}
	}
	trimmed := bytes.TrimLeft(d.digits, "0")
	d.point -= len(d.digits) - len(trimmed)
	d.digits = bytes.TrimRight(trimmed, "0")
	return d, len(whole) > 0
}

// appendJavaDouble appends a float as Double.toString does: at least one digit behind the point, and a power of ten
// outside of 10^-3 up to 10^7. The digits are the fewest that tell the number apart, as Postgres prints them and Java
// does since 19.
func appendJavaDouble(dst, text []byte) ([]byte, error) {
	switch string(text) {
	case "NaN", "Infinity", "-Infinity":
		return append(dst, text...), nil
	}
	var buf [40]byte
	d, ok := parseFloatText(buf[:], text)
	if !ok {
		return dst, errNoForm
	}
	if d.negative {
		dst = append(dst, '-')
	}
	switch power := d.point - 1; {
	case len(d.digits) == 0:
		return append(dst, "0.0"...), nil
	case power < -3 || power >= 7:
		dst = appendFraction(append(dst, d.digits[0]), d.digits[1:])
		return strconv.AppendInt(append(dst, 'E'), int64(power), 10), nil
	case power < 0:
		dst = append(dst, "0."...)
		dst = append(dst, "000"[:-power-1]...)
		return append(dst, d.digits...), nil
	case len(d.digits) <= d.point:
		dst = append(dst, d.digits...)
		dst = append(dst, "0000000"[:d.point-len(d.digits)]...)
		return append(dst, ".0"...), nil
	}
	dst = append(dst, d.digits[:d.point]...)
	return appendFraction(dst, d.digits[d.point:]), nil
}

func appendFraction(dst, digits []byte) []byte {
	if len(digits) == 0 {
		return append(dst, ".0"...)
	}
	return append(append(dst, '.'), digits...)
}

// unscaled takes what numeric_out prints apart: the digits without point and leading zeros, at least one, and how many of
// them stand behind the point.
func unscaled(buf, text []byte) (negative bool, digits []byte, scale int, ok bool) {
	text, negative = bytes.CutPrefix(text, []byte{'-'})
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	digits = append(append(buf[:0], whole...), fraction...)
	for _, c := range digits {
		if !isDigit(c) {
			return negative, nil, 0, false // NaN and the infinities
		}
	}
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	return negative, digits, len(fraction), len(whole) > 0
}

// appendBigDecimal appends a numeric as BigDecimal.toString does, which goes over to a power of ten below 10^-6.
func appendBigDecimal(dst, text []byte) ([]byte, error) {
	var buf [64]byte
	negative, digits, scale, ok := unscaled(buf[:], text)
	if !ok {
		return dst, errNoForm
	}
	power := len(digits) - 1 - scale
	if power >= -6 {
		return append(dst, text...), nil
	}
	if negative {
		dst = append(dst, '-')
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	return strconv.AppendInt(append(dst, 'E'), int64(power), 10), nil
}

// appendConnectDecimal appends the number of a numeric without its point as Kafka Connect's Decimal: two's complement,
// big-endian, base64. scale is how many digits stood behind the point.
func appendConnectDecimal(dst, text []byte) (_ []byte, scale int, err error) {
	var buf [64]byte
	negative, digits, scale, ok := unscaled(buf[:], text)
	if !ok {
		return dst, 0, errNoForm
	}
	n, _ := new(big.Int).SetString(string(digits), 10)
	if negative {
		n.Neg(n)
	}
	return base64.StdEncoding.AppendEncode(dst, twosComplement(n)), scale, nil
}

// twosComplement is BigInteger.toByteArray: big-endian, as few bytes as leave room for the sign.
func twosComplement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		return n.FillBytes(make([]byte, n.BitLen()/8+1))
	}
	// -1-n has the bits of n turned round, and n needs room for the sign beside them.
	bits := new(big.Int).Not(n)
	out := bits.FillBytes(make([]byte, bits.BitLen()/8+1))
	for i := range out {
		out[i] = ^out[i]
	}
	return out
}
