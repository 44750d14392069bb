package bench

import (
	"strconv"
	"strings"
)

// decimal has as many digits as people want to compare.
func decimal(v float64) string {
	digits := 0
	switch {
	case v == 0:
	case v < 0.1:
		digits = 4
	case v < 10:
		digits = 2
	case v < 100:
		digits = 1
	default:
		return count(int(v + 0.5))
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// measured is a decimal; a dash for what was not measured.
func measured(v float64) string {
	if v == 0 {
		return "-"
	}
	return decimal(v)
}

// whole is a count; a dash for none.
func whole(v float64) string {
	if v == 0 {
		return "-"
	}
	return count(int(v + 0.5))
}

func percent(v float64) string { return strconv.Itoa(int(v*100+0.5)) + "%" }

func withUnit(v float64, unit string) string {
	if unit == "x" {
		return decimal(v) + unit
	}
	return strings.TrimSpace(decimal(v) + " " + unit)
}

// count prints a number with commas.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
