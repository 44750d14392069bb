package outbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
)

var (
	errNoForm   = errors.New("has no form in Kafka Connect")
	errNotBytea = errors.New("is not bytea in hexadecimal form")
)

// appendText appends a value as Kafka Connect's StringConverter and SimpleHeaderConverter write it, which is what Java's
// toString says for most kinds. Of bytes, arrays and numeric without a precision it is the form that headers have.
func (t connectType) appendText(dst, text []byte) ([]byte, error) {
	switch t.kind {
	case kindText:
		return append(dst, text...), nil
	case kindDecimal:
		return appendBigDecimal(dst, text)
	case kindTimestamptz:
		return appendISO(dst, text, int(t.width))
	case kindBytes:
		return appendBase64(dst, text)
	case kindArray:
		return t.appendArray(dst, text, appendHeaderElement)
	case kindVariableDecimal:
		return appendVariableDecimal(dst, text)
	case kindTimetz:
		return appendISOTime(dst, text)
	}
	return t.appendScalar(dst, text)
}

// appendScalar appends what looks the same as text and as JSON.
func (t connectType) appendScalar(dst, text []byte) ([]byte, error) {
	switch t.kind {
	case kindBool, kindBit:
		if len(text) == 1 && (text[0] == 't' || text[0] == '1') {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case kindInteger:
		return append(dst, text...), nil
	case kindFloat:
		return appendJavaDouble(dst, text)
	}
	n, err := t.count(text)
	return strconv.AppendInt(dst, n, 10), err
}

// What Debezium publishes for infinite times: microseconds and days that come out of the numbers which the driver of Java
// keeps for them.
const (
	infiniteMicros      = 9223372036825200000
	minusInfiniteMicros = -9223372036832400000
	infiniteDays        = -2147472692
	minusInfiniteDays   = -2147472691
)

// count is the number that stands for a time.
func (t connectType) count(text []byte) (n int64, err error) {
	switch t.kind {
	case kindDate:
		return orInfinite(text, infiniteDays, minusInfiniteDays, parseDate)
	case kindInterval:
		return parseInterval(text)
	case kindTimeMillis, kindTimeMicros:
		n, err = parseTime(text)
	default:
		n, err = orInfinite(text, infiniteMicros, minusInfiniteMicros, parseMicros)
	}
	if t.kind == kindTimeMillis || t.kind == kindTimestampMillis {
		n /= 1000 // exact: the column has no finer digits
	}
	return n, err
}

func orInfinite(text []byte, plus, minus int64, parse func([]byte) (int64, error)) (int64, error) {
	switch string(text) {
	case "infinity":
		return plus, nil
	case "-infinity":
		return minus, nil
	}
	return parse(text)
}

// appendISO appends a timestamptz with width digits behind the point, or without a point for 0 digits.
func appendISO(dst, text []byte, width int) ([]byte, error) {
	if s := string(text); s == "infinity" || s == "-infinity" {
		return append(dst, s...), nil
	}
	micros, err := parseMicros(text)
	if err != nil {
		return dst, err
	}
	days := micros / microsPerDay
	micros %= microsPerDay
	if micros < 0 {
		days--
		micros += microsPerDay
	}
	year, month, day := civilDate(days)
	dst = appendISOYear(dst, year)
	dst = appendPadded(append(dst, '-'), month, 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	seconds := micros / 1e6
	dst = appendPadded(append(dst, 'T'), seconds/3600, 2)
	dst = appendPadded(append(dst, ':'), seconds/60%60, 2)
	dst = appendPadded(append(dst, ':'), seconds%60, 2)
	if width > 0 {
		dst = append(dst, '.')
		dst = appendPadded(dst, micros%1e6, 6)
		dst = dst[:len(dst)-6+width]
	}
	return append(dst, 'Z'), nil
}

// appendISOTime appends a time with time zone.
func appendISOTime(dst, text []byte) ([]byte, error) {
	micros, err := parseTimetz(text)
	if err != nil {
		return dst, err
	}
	seconds := micros / 1e6
	dst = appendPadded(dst, seconds/3600, 2)
	dst = appendPadded(append(dst, ':'), seconds/60%60, 2)
	dst = appendPadded(append(dst, ':'), seconds%60, 2)
	if micros %= 1e6; micros > 0 {
		dst = appendPadded(append(dst, '.'), micros, 6)
		dst = bytes.TrimRight(dst, "0")
	}
	return append(dst, 'Z'), nil
}

// appendISOYear appends a year as java.time's ISO_LOCAL_DATE does: four digits, a sign when there are more or it is
// negative.
func appendISOYear(dst []byte, year int64) []byte {
	switch {
	case year > 9999:
		dst = append(dst, '+')
	case year < 0:
		dst, year = append(dst, '-'), -year
	}
	return appendPadded(dst, year, 4)
}

// appendPadded appends n with zeros before it up to width digits.
func appendPadded(dst []byte, n int64, width int) []byte {
	limit := int64(1)
	for ; width > 1; width-- {
		limit *= 10
	}
	for ; limit > n && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, n, 10)
}

func appendBase64(dst, text []byte) ([]byte, error) {
	raw, ok := appendBytea(nil, text)
	if !ok {
		return dst, errNotBytea
	}
	return base64.StdEncoding.AppendEncode(dst, raw), nil
}
