package outbox

import (
	"bytes"
	"errors"
	"math"
)

var errIntervalSyntax = errors.New("is not an interval in Postgres' own form")

// parseInterval reads what interval_out prints with IntervalStyle postgres, as in "1 year 2 mons -3 days +04:05:06.7", as
// microseconds. A month has 365.25 days / 12, and the sum goes through a double, as in Debezium: beyond some centuries
// microseconds are rounded.
func parseInterval(text []byte) (int64, error) {
	var months, days, seconds float64
	for len(text) > 0 {
		var word, unit []byte
		word, text, _ = bytes.Cut(text, []byte{' '})
		if bytes.IndexByte(word, ':') >= 0 {
			clock, ok := parseClock(word)
			if !ok || len(text) > 0 {
				return 0, errIntervalSyntax
			}
			seconds = clock
			break
		}
		n, ok := parseSigned(word)
		unit, text, _ = bytes.Cut(text, []byte{' '})
		switch string(bytes.TrimSuffix(unit, []byte{'s'})) {
		case "year":
			months += 12 * n
		case "mon":
			months += n
		case "day":
			days += n
		default:
			ok = false
		}
		if !ok {
			return 0, errIntervalSyntax
		}
	}
	const daysPerMonth = 365.25 / 12
	sum := (months*daysPerMonth+days)*24*60*60 + seconds
	switch micros := math.Floor(sum*1e6 + 0.5); {
	case micros >= math.MaxInt64:
		return math.MaxInt64, nil
	case micros <= math.MinInt64:
		return math.MinInt64, nil
	default:
		return int64(micros), nil
	}
}

// parseClock reads "-04:05:06.7" as seconds; there may be more than a day of hours.
func parseClock(text []byte) (float64, bool) {
	sign := 1.0
	switch {
	case len(text) > 0 && text[0] == '-':
		sign, text = -1, text[1:]
	case len(text) > 0 && text[0] == '+':
		text = text[1:]
	}
	c := timeCursor{text: text}
	hours := c.digits(2, 10)
	c.byte(':')
	minutes := c.digits(2, 2)
	c.byte(':')
	seconds := c.digits(2, 2)
	micros := c.fraction()
	if c.bad || len(c.text) > 0 {
		return 0, false
	}
	return sign * (float64((hours*60+minutes)*60+seconds) + float64(micros)/1e6), true
}

// parseSigned reads a whole number with a sign before it, or none.
func parseSigned(text []byte) (float64, bool) {
	digits, negative := bytes.CutPrefix(text, []byte{'-'})
	if !negative {
		digits = bytes.TrimPrefix(digits, []byte{'+'})
	}
	n, ok := parseDecimal(digits, math.MaxInt32)
	if negative {
		n = -n
	}
	return float64(n), ok
}
