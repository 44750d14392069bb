package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable prints the result for people.
func (r *Result) WriteTable(w io.Writer) error {
	t := &tables{w: w}
	t.drains(r.Drains)
	t.targets(r.Targets)
	return t.err
}

// tables prints one after the other, each aligned for itself.
type tables struct {
	w   io.Writer
	err error
}

func (t *tables) write(header []string, rows [][]string) {
	if t.err != nil || len(rows) == 0 {
		return
	}
	tw := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	fmt.Fprintln(tw)
	t.err = tw.Flush()
}

func (t *tables) drains(drains []*Drain) {
	var rows [][]string
	for _, d := range drains {
		shape := d.Shape
		add := func(reader string, r *Reader, ratio string) {
			if r == nil {
				return
			}
			rows = append(rows, []string{
				shape, reader, count(int(r.EventsPerSecond.Median)), percent(r.EventsPerSecond.spread()), ratio,
				decimal(r.CPUMicros.Median), decimal(r.Allocations.Median), decimal(r.PeakRSS.Max / mebi), number(r.EventsPerKafkaTransaction.Median),
			})
			shape = ""
		}
		ratio := ""
		if d.Ratio != 0 {
			ratio = decimal(d.Ratio) + "x"
		}
		add("relay", &d.Relay, ratio)
		add("pg_recvlogical", d.PgRecvlogical, "")
		add("receive only", &d.Receive, "")
	}
	t.write([]string{"DRAIN", "READER", "EVENTS/S", "SPREAD", "RATIO", "CPU US", "ALLOCS", "PEAK MIB", "EVENTS/TX"}, rows)
}

func (t *tables) targets(targets []Target) {
	var rows [][]string
	for _, g := range targets {
		mark, than := "missed", "at least "
		if g.Met {
			mark = "ok"
		}
		if g.AtMost {
			than = "at most "
		}
		rows = append(rows, []string{g.Name, than + withUnit(g.Want, g.Unit), withUnit(g.Got, g.Unit), mark})
	}
	t.write([]string{"TARGET", "WANT", "GOT", ""}, rows)
}

func withUnit(v float64, unit string) string {
	if unit == "x" || unit == "%" {
		return decimal(v) + unit
	}
	return strings.TrimSpace(decimal(v) + " " + unit)
}

// decimal has as many digits as people want to compare.
func decimal(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.1:
		return strconv.FormatFloat(v, 'f', 4, 64)
	case v < 10:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), ".00")
	case v < 100:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	return count(int(v))
}

// number is a count that is left out when it is nothing.
func number(v float64) string {
	if v == 0 {
		return ""
	}
	return count(int(v))
}

func percent(v float64) string { return strconv.Itoa(int(v*100+0.5)) + "%" }

// count prints a number with commas.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
