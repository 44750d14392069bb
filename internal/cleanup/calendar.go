package cleanup

import "time"

const (
	day = 24 * time.Hour
	// longestKeep leaves an hour between the end of keeping and the day on which the weekday comes again: then rows are
	// written to it, and it cannot be freed until they are old.
	longestKeep = 6*day - time.Hour
	// beforeUse is how long before a weekday comes again it is left alone, so that no lock reaches into it.
	beforeUse = 5 * time.Minute
)

// weekday is ISO's: 1 for Monday to 7 for Sunday.
type weekday int

func (w weekday) String() string {
	return [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}[w-1]
}

func weekdayOf(t time.Time) weekday { return weekday((int(t.UTC().Weekday())+6)%7 + 1) }

// inUse tells whether rows are written to the weekday now or in a moment.
func (w weekday) inUse(now time.Time) bool {
	return w == weekdayOf(now) || w == weekdayOf(now.Add(beforeUse))
}

// due is when the rows of the weekday's last day before now, in UTC, are all older than keep. On the weekday itself it
// is counted from the end of that day.
func (w weekday) due(now time.Time, keep time.Duration) time.Time {
	today := now.UTC().Truncate(day) // UTC has no daylight saving time: each day has 24 hours
	ago := (int(weekdayOf(now)) - int(w) + 7) % 7
	return today.AddDate(0, 0, 1-ago).Add(min(keep, longestKeep))
}

// earlier is the time that is before the other.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
