package outbox

import "errors"

// OIDs of pg_type that decide how a column is read.
const (
	oidBytea       = 17
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidTimestamp   = 1114
	oidTimestamptz = 1184

	// firstUserOID is FirstNormalObjectId of Postgres: types from here on are made by users, domains among them, and
	// their text decides.
	firstUserOID = 16384
)

var (
	errTimeInfinite = errors.New("is infinite")
	errTimeBC       = errors.New("is before 1970")
	errTimeSyntax   = errors.New("is not a time in ISO form")
)

// timeReader reads a column's text as milliseconds since the Unix epoch, at least 0.
type timeReader func(text []byte) (int64, error)

// timeReaderFor gives the reader for a column type, nil for one that holds no time. A bigint counts milliseconds.
func timeReaderFor(oid uint32) timeReader {
	switch {
	case oid == oidTimestamptz, oid == oidTimestamp, oid >= firstUserOID:
		return parseTimestamp
	case oid == oidInt8:
		return parseMillis
	}
	return nil
}

func parseMillis(text []byte) (int64, error) {
	v, ok := parseDecimal(text, 1<<63-1)
	if !ok {
		return 0, errors.New("is not a number of milliseconds since 1970")
	}
	return v, nil
}

// parseTimestamp reads what timestamptz_out prints with DateStyle ISO, as in "2026-11-24 08:00:00.123456+00", and what
// timestamp_out prints, which has no zone and is read as UTC. What is finer than a millisecond is cut off.
func parseTimestamp(text []byte) (int64, error) {
	if s := string(text); s == "infinity" || s == "-infinity" {
		return 0, errTimeInfinite
	}
	c := timeCursor{text: text}
	year := c.digits(4, 6)
	c.byte('-')
	month := c.digits(2, 2)
	c.byte('-')
	day := c.digits(2, 2)
	c.byte(' ')
	hour := c.digits(2, 2)
	c.byte(':')
	minute := c.digits(2, 2)
	c.byte(':')
	second := c.digits(2, 2)
	millis := c.fraction()
	offset := c.zone()
	if string(c.text) == " BC" && !c.bad {
		return 0, errTimeBC
	}
	if c.bad || len(c.text) > 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return 0, errTimeSyntax
	}
	ms := ((daysSinceEpoch(year, month, day)*24+hour)*60+minute)*60 + second - offset
	if ms = ms*1000 + millis; ms < 0 {
		return 0, errTimeBC
	}
	return ms, nil
}

// daysSinceEpoch counts days in the proleptic Gregorian calendar, with years that begin in March (so that the leap day
// is the last) and eras of 400 years.
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era, yearOfEra := year/400, year%400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	const fromMarchOfYear0 = 719468 // days from 0000-03-01 to 1970-01-01
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - fromMarchOfYear0
}

// timeCursor consumes the parts of a timestamp; bad once something is not as it must be.
type timeCursor struct {
	text []byte
	bad  bool
}

func (c *timeCursor) digits(least, most int) int64 {
	var v int64
	n := 0
	for n < len(c.text) && n < most && isDigit(c.text[n]) {
		v = v*10 + int64(c.text[n]-'0')
		n++
	}
	c.bad = c.bad || n < least
	c.text = c.text[n:]
	return v
}

func (c *timeCursor) byte(want byte) {
	if len(c.text) == 0 || c.text[0] != want {
		c.bad = true
		return
	}
	c.text = c.text[1:]
}

// fraction reads an optional fraction of a second and returns its milliseconds.
func (c *timeCursor) fraction() int64 {
	if len(c.text) == 0 || c.text[0] != '.' {
		return 0
	}
	c.text = c.text[1:]
	before := len(c.text)
	micros := c.digits(1, 6)
	for n := before - len(c.text); n < 6; n++ {
		micros *= 10
	}
	return micros / 1000
}

// zone reads an optional offset, "+00", "-03:30" or "+05:53:28", and returns its seconds.
func (c *timeCursor) zone() int64 {
	if len(c.text) == 0 || c.text[0] != '+' && c.text[0] != '-' {
		return 0
	}
	sign := int64(1)
	if c.text[0] == '-' {
		sign = -1
	}
	c.text = c.text[1:]
	seconds := c.digits(2, 2) * 3600
	for unit := int64(60); unit > 0 && len(c.text) > 0 && c.text[0] == ':'; unit /= 60 {
		c.text = c.text[1:]
		seconds += c.digits(2, 2) * unit
	}
	return sign * seconds
}

// parseDecimal reads a number from 0 to limit, digits only.
func parseDecimal(text []byte, limit int64) (int64, bool) {
	if len(text) == 0 {
		return 0, false
	}
	var v int64
	for _, c := range text {
		if !isDigit(c) {
			return 0, false
		}
		d := int64(c - '0')
		if v > (limit-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
