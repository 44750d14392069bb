package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// none stands where there is nothing to tell.
const none = "–"

// span prints a time span in its two largest units: 180 ms, 4.2 s, 3 m 5 s, 2 d 21 h.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// size prints bytes: 0 B, 6.6 KiB, 50 GiB.
func size(n uint64) string {
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	v, units := float64(n)/1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB"}
	for v >= 1024 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	return decimals(v) + " " + units[0]
}

// decimals prints up to one place: 6.6, 50.
func decimals(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// count groups digits: 1,904,417.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// rate prints a number per second.
func rate(v float64) string {
	if v >= 100 {
		return count(uint64(v+0.5)) + "/s"
	}
	return decimals(v) + "/s"
}

// moment prints a time in UTC, and how long ago it was.
func moment(t, now time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05") + " (" + span(now.Sub(t)) + " ago)"
}

// momentOf is moment of a time that may not be known.
func momentOf(t *time.Time, now time.Time) string {
	if t == nil {
		return none
	}
	return moment(*t, now)
}
