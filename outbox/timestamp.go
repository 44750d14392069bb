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

// parseTimestamp reads a timestamp as milliseconds; what is finer is cut off.
func parseTimestamp(text []byte) (int64, error) {
	micros, err := parseMicros(text)
	if err == nil && micros < 0 {
		err = errTimeBC
	}
	return micros / 1000, err
}

// parseMicros reads what timestamptz_out prints with DateStyle ISO, as in "2026-11-24 08:00:00.123456+00", and what
// timestamp_out prints, which has no zone and is read as UTC, as microseconds since the Unix epoch.
func parseMicros(text []byte) (int64, error) {
	if s := string(text); s == "infinity" || s == "-infinity" {
		return 0, errTimeInfinite
	}
	c := timeCursor{text: text}
	year, month, day := c.date()
	c.byte(' ')
	micros := c.clock()
	micros -= c.zone() * 1e6
	if c.era() {
		year = 1 - year
	}
	if c.bad || len(c.text) > 0 {
		return 0, errTimeSyntax
	}
	return daysSinceEpoch(year, month, day)*microsPerDay + micros, nil
}

// parseDate reads what date_out prints with DateStyle ISO, as in "2026-11-24", as days since the Unix epoch.
func parseDate(text []byte) (int64, error) {
	if s := string(text); s == "infinity" || s == "-infinity" {
		return 0, errTimeInfinite
	}
	c := timeCursor{text: text}
	year, month, day := c.date()
	if c.era() {
		year = 1 - year
	}
	if c.bad || len(c.text) > 0 {
		return 0, errTimeSyntax
	}
	return daysSinceEpoch(year, month, day), nil
}

// parseTime reads what time_out prints, as in "10:00:00.123456", as microseconds since midnight.
func parseTime(text []byte) (int64, error) {
	c := timeCursor{text: text}
	micros := c.clock()
	if c.bad || len(c.text) > 0 {
		return 0, errTimeSyntax
	}
	return micros, nil
}

// parseTimetz reads what timetz_out prints, as in "10:00:00.123456+02", as microseconds since midnight in UTC.
func parseTimetz(text []byte) (int64, error) {
	c := timeCursor{text: text}
	micros := c.clock()
	micros -= c.zone() * 1e6
	if c.bad || len(c.text) > 0 {
		return 0, errTimeSyntax
	}
	return ((micros % microsPerDay) + microsPerDay) % microsPerDay, nil
}

const (
	microsPerDay = 24 * 3600 * 1e6
	maxYear      = 294_000 // what 64 bits of microseconds hold, rounded down; Postgres ends in 294276
)

// daysSinceEpoch counts days in the proleptic Gregorian calendar, with years that begin in March (so that the leap day
// is the last) and eras of 400 years.
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*daysPerEra + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - epochInEras
}

// civilDate is the reverse of daysSinceEpoch.
func civilDate(days int64) (year, month, day int64) {
	days += epochInEras
	era := days / daysPerEra
	if days < 0 {
		era = (days - daysPerEra + 1) / daysPerEra
	}
	dayOfEra := days - era*daysPerEra
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month = (5*dayOfYear+2)/153 + 3
	day = dayOfYear - (153*(month-3)+2)/5 + 1
	year = yearOfEra + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

const (
	daysPerEra  = 146097 // 400 years
	epochInEras = 719468 // days from 0000-03-01 to 1970-01-01
)

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

// date reads "2026-11-24".
func (c *timeCursor) date() (year, month, day int64) {
	year = c.digits(4, 6)
	c.byte('-')
	month = c.digits(2, 2)
	c.byte('-')
	day = c.digits(2, 2)
	c.bad = c.bad || year > maxYear || month < 1 || month > 12 || day < 1 || day > 31
	return year, month, day
}

// clock reads "10:00:00.123456" as microseconds since midnight.
func (c *timeCursor) clock() int64 {
	hour := c.digits(2, 2)
	c.byte(':')
	minute := c.digits(2, 2)
	c.byte(':')
	second := c.digits(2, 2)
	c.bad = c.bad || hour > 24 || minute > 59 || second > 60
	return ((hour*60+minute)*60+second)*1e6 + c.fraction()
}

// fraction reads an optional fraction of a second and returns its microseconds.
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
	return micros
}

// era reads an optional " BC" and says whether it was there.
func (c *timeCursor) era() bool {
	if string(c.text) != " BC" {
		return false
	}
	c.text = nil
	return true
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
