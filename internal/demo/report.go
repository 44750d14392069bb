package main

import (
	"fmt"
	"strings"
	"time"
)

// report is the table in the end.
func report(v verdict, s sales, recoveries []time.Duration) string {
	var b strings.Builder
	line := func(what, value string) { fmt.Fprintf(&b, "%-42s%8s\n", what, value) }
	line("events of orders that committed", count(v.written))
	line("  in Kafka exactly once", count(v.once))
	line("  missing", count(v.missing))
	line("  in Kafka twice", count(v.twice))
	line("  out of order within their key", count(v.disorder))
	line("  not as they were written", count(v.changed))
	line("events that were rolled back", count(s.rolledBack))
	line("  in Kafka all the same", count(v.phantom))
	line("gaps in relay-seq, the relay's own count", count(v.brokenSeq))
	for i, d := range recoveries {
		line(fmt.Sprintf("kill -9, number %d: new events after", i+1), fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds()))
	}
	return b.String()
}

// conclusion is the last line.
func conclusion(v verdict) string {
	if v.even() {
		return "even: every event that committed is in Kafka, once and in order, and nothing else"
	}
	return "NOT EVEN: a bug in Relay; please report it with this table"
}

// count prints n with a comma between thousands.
func count(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
