package cleanup

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04:05 -0700", s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDue(t *testing.T) {
	const wednesday = "2026-11-25 10:00:00 +0000"
	for _, tt := range []struct {
		name, now string
		weekday   weekday
		keep      time.Duration
		want      string
	}{
		{"two days ago", wednesday, 1, 72 * time.Hour, "2026-11-27 00:00:00 +0000"},
		{"yesterday", wednesday, 2, 24 * time.Hour, "2026-11-26 00:00:00 +0000"},
		{"six days ago", wednesday, 4, 72 * time.Hour, "2026-11-23 00:00:00 +0000"},
		{"its own day", wednesday, 3, 24 * time.Hour, "2026-11-27 00:00:00 +0000"},
		{"as long as it can be", wednesday, 4, 144 * time.Hour, "2026-11-25 23:00:00 +0000"},
		{"the database counts in UTC", "2026-11-25 23:30:00 -0500", 4, 24 * time.Hour, "2026-11-28 00:00:00 +0000"},
		{"a leap day", "2028-03-01 00:00:00 +0000", 2, 24 * time.Hour, "2028-03-02 00:00:00 +0000"},
		{"a new year", "2027-01-02 00:00:00 +0000", 4, 24 * time.Hour, "2027-01-02 00:00:00 +0000"},
	} {
		if got := tt.weekday.due(at(t, tt.now), tt.keep); !got.Equal(at(t, tt.want)) {
			t.Errorf("%s: due %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestInUse(t *testing.T) {
	for now, want := range map[string][]weekday{
		"2026-11-25 10:00:00 +0000": {3},
		"2026-11-25 23:56:00 +0000": {3, 4},
		"2026-11-26 00:00:00 +0000": {4},
		"2026-11-29 23:59:59 +0000": {7, 1},
	} {
		for w := weekday(1); w <= 7; w++ {
			expected := false
			for _, u := range want {
				expected = expected || u == w
			}
			if got := w.inUse(at(t, now)); got != expected {
				t.Errorf("%s: %s in use is %t", now, w, got)
			}
		}
	}
}

// TestWindow: whatever is kept for how long, there is an hour between due and the weekday's coming again, and nothing is
// due before the weekday is over.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "now"), 0)
		keepFor := time.Duration(rapid.Int64Range(24*60, 144*60).Draw(t, "minutes")) * time.Minute
		w := weekday(rapid.IntRange(1, 7).Draw(t, "weekday"))
		due := w.due(now, keepFor)
		created := due.Add(-min(keepFor, longestKeep)).Add(-time.Nanosecond) // the youngest row that there can be
		if weekdayOf(created) != w || w != weekdayOf(now) && created.After(now) {
			t.Fatalf("due %s counts from %s", due, created)
		}
		for _, moment := range []time.Time{due, due.Add(time.Hour - beforeUse - time.Second)} {
			if w.inUse(moment) {
				t.Fatalf("%s is in use at %s", w, moment)
			}
		}
	})
}
