package outbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTimestamp(t *testing.T) {
	tests := []struct {
		text string
		want string // RFC 3339, or "" with err
		err  error
	}{
		{"1970-01-01 00:00:00+00", "1970-01-01T00:00:00Z", nil},
		{"2026-11-24 08:00:00.123456+00", "2026-11-24T08:00:00.123Z", nil},
		{"2026-11-24 08:00:00.1+00", "2026-11-24T08:00:00.1Z", nil},
		{"2026-11-24 08:00:00.000999+00", "2026-11-24T08:00:00Z", nil},
		{"2026-11-24 08:00:00", "2026-11-24T08:00:00Z", nil}, // timestamp without time zone
		{"2026-11-24 08:00:00+05:30", "2026-11-24T02:30:00Z", nil},
		{"2026-11-24 08:00:00-03", "2026-11-24T11:00:00Z", nil},
		{"1970-01-01 00:00:00+05:53:28", "", errTimeBC},
		{"2000-02-29 23:59:59.999+00", "2000-02-29T23:59:59.999Z", nil},
		{"12026-01-01 00:00:00+00", "12026-01-01T00:00:00Z", nil},
		{"1969-12-31 23:59:59.999999+00", "", errTimeBC},
		{"0001-01-01 00:00:00+00", "", errTimeBC},
		{"0044-03-15 12:00:00+00 BC", "", errTimeBC},
		{"infinity", "", errTimeInfinite},
		{"-infinity", "", errTimeInfinite},
		{"", "", errTimeSyntax},
		{"now", "", errTimeSyntax},
		{"2026-11-24", "", errTimeSyntax},
		{"2026-11-24T08:00:00Z", "", errTimeSyntax},
		{"2026-11-24 08:00:00+00 AD", "", errTimeSyntax},
		{"2026-11-24 08:00:00.+00", "", errTimeSyntax},
		{"2026-11-24 08:00:00.1234567+00", "", errTimeSyntax},
		{"2026-11-24 08:00:00+0", "", errTimeSyntax},
		{"2026-13-24 08:00:00+00", "", errTimeSyntax},
		{"2026-11-32 08:00:00+00", "", errTimeSyntax},
		{"2026-00-24 08:00:00+00", "", errTimeSyntax},
		{"2026-11-24 25:00:00+00", "", errTimeSyntax},
		{"2026-11-24 08:60:00+00", "", errTimeSyntax},
		{"24.11.2026 08:00:00 UTC", "", errTimeSyntax}, // DateStyle German
		{"1234567-01-01 00:00:00+00", "", errTimeSyntax},
		{"294276-12-31 00:00:00+00", "", errTimeSyntax},
		{"294000-12-31 00:00:00+00", "294000-12-31T00:00:00Z", nil},
	}
	for _, tt := range tests {
		ms, err := parseTimestamp([]byte(tt.text))
		if !errors.Is(err, tt.err) {
			t.Errorf("%q: error is %v, want %v", tt.text, err, tt.err)
			continue
		}
		if tt.err != nil {
			continue
		}
		if got := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00"); got != tt.want {
			t.Errorf("%q is read as %s, want %s", tt.text, got, tt.want)
		}
	}
}

// Every time from 1970 on that Postgres can print is read as what it says.
func TestParseTimestampReadsEveryDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(0, 9224318015999999).Draw(t, "micros")
		offset := rapid.IntRange(-15*60+1, 15*60-1).Draw(t, "minutes")
		at := time.UnixMicro(micros).UTC()
		if at.Year() > 200_000 {
			t.Skip()
		}
		local := at.In(time.FixedZone("", offset*60))
		_, zone := local.Zone()
		sign := '+'
		if zone < 0 {
			sign, zone = '-', -zone
		}
		text := fmt.Sprintf("%s.%06d%c%02d:%02d", local.Format("2006-01-02 15:04:05"), local.Nanosecond()/1000, sign, zone/3600, zone/60%60)
		if ms, err := parseTimestamp([]byte(text)); err != nil || ms != micros/1000 {
			t.Fatalf("%q is read as %d, %v, want %d", text, ms, err, micros/1000)
		}
	})
}

func TestDates(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01": 0, "1969-12-31": -1, "2020-02-29": 18321, "0001-01-01": -719162, "0001-12-31 BC": -719163, "0044-03-15 BC": -735160,
	} {
		if days, err := parseDate([]byte(text)); err != nil || days != want {
			t.Errorf("%s is read as day %d, %v, want %d", text, days, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-3_000_000, 100_000_000).Draw(t, "days")
		year, month, day := civilDate(days)
		at := time.Unix(days*86400, 0).UTC()
		if int(year) != at.Year() || int(month) != int(at.Month()) || int(day) != at.Day() {
			t.Fatalf("day %d is %d-%d-%d, package time says %s", days, year, month, day, at)
		}
		if back := daysSinceEpoch(year, month, day); back != days {
			t.Fatalf("day %d comes back as %d", days, back)
		}
	})
}

func TestParseMillis(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1700000000001": 1700000000001, "9223372036854775807": 1<<63 - 1} {
		if ms, err := parseMillis([]byte(text)); err != nil || ms != want {
			t.Errorf("%s is read as %d, %v", text, ms, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5", "9223372036854775808", "99999999999999999999", " 1", "1e3"} {
		if ms, err := parseMillis([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, ms)
		}
	}
}
