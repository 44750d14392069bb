package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable prints the result for people.
func (r *Result) WriteTable(w io.Writer) error {
	t := &tables{w: w}
	t.where(r)
	t.drains(r.Drains)
	t.idle(r.Idle)
	t.latency(r.Latency, r.Floor)
	t.recovery(r.Recovery)
	t.slow(r.Slow)
	t.curve(r.Curve)
	t.application(r.Application)
	t.targets(r.Targets)
	for _, note := range r.Notes {
		t.line("%s", note)
	}
	return t.err
}

// tables prints one after the other, each aligned for itself.
type tables struct {
	w   io.Writer
	err error
}

func (t *tables) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
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

func (t *tables) where(r *Result) {
	cpu := r.Machine.CPU
	if cpu == "" {
		cpu = r.Machine.Arch
	}
	t.line("%d cores (%s), load before %s; Postgres %d, %d Kafka brokers", r.Machine.Cores, cpu, r.Machine.Load, r.Settings.Postgres, r.Settings.Brokers)
	t.line("events of %d B, %d partitions, compression %s; medians of %d rounds, spread is (most - least) / median\n",
		r.Settings.PayloadBytes, r.Settings.Partitions, r.Settings.Compression, r.Settings.Rounds)
}

func (t *tables) drains(drains []*Drain) {
	var rows [][]string
	for _, d := range drains {
		shape, than := d.Shape, "-"
		if d.Ratio != 0 {
			than = decimal(d.Ratio) + "x"
		}
		for _, reader := range []struct {
			name  string
			r     *Reader
			ratio string
		}{{"relay", &d.Relay, than}, {"pg_recvlogical", d.PgRecvlogical, "-"}, {"receive only", &d.Receive, "-"}} {
			if reader.r != nil {
				rows = append(rows, append([]string{shape, reader.name}, reader.r.cells(reader.ratio)...))
				shape = ""
			}
		}
	}
	t.write(append([]string{"DRAIN", "READER"}, readerHeader()...), rows)
}

func readerHeader() []string {
	return []string{"EVENTS/S", "SPREAD", "RATIO", "CPU US", "ALLOCS", "PEAK MB", "EVENTS/TX"}
}

func (r *Reader) cells(ratio string) []string {
	return []string{
		whole(r.EventsPerSecond.Median), percent(r.EventsPerSecond.spread()), ratio, decimal(r.CPUMicros.Median),
		measured(r.Allocations.Median), measured(r.PeakRSS.Max / mega), whole(r.EventsPerKafkaTransaction.Median),
	}
}

func (t *tables) idle(i *Idle) {
	if i != nil {
		t.write([]string{"IDLE", "RSS MB", "CPU"}, [][]string{{"relay", decimal(i.RSS.Max / mega), decimal(i.CPU.Median*100) + "%"}})
	}
}

func (t *tables) latency(latencies []*Latency, floor *Floor) {
	var rows [][]string
	row := func(name, reached string, p *Percentiles) {
		rows = append(rows, []string{
			name, reached, decimal(p.P50.Median), percent(p.P50.spread()), decimal(p.P95.Median), decimal(p.P99.Median), decimal(p.Max.Max),
		})
	}
	for _, l := range latencies {
		row(fmt.Sprintf("COMMIT to consumer, %s/s", count(l.Rate)), whole(l.Reached.Median), &l.Percentiles)
	}
	if floor != nil {
		row("bare Kafka transaction, event and checkpoint", count(floor.Rate), &floor.WithCheckpoint)
		row("bare Kafka transaction, event alone", count(floor.Rate), &floor.Event)
	}
	t.write([]string{"LATENCY MS", "REACHED/S", "P50", "SPREAD", "P95", "P99", "MAX"}, rows)
}

func (t *tables) recovery(r *Recovery) {
	if r != nil {
		t.write([]string{"RECOVERY", "NEXT EVENT AFTER", "SPREAD", "LONGEST"}, [][]string{{
			fmt.Sprintf("kill -9 at %s/s", count(r.Rate)), decimal(r.Seconds.Median) + " s", percent(r.Seconds.spread()), decimal(r.Seconds.Max) + " s",
		}})
	}
}

func (t *tables) slow(s *Slow) {
	if s == nil {
		return
	}
	t.write(append([]string{"ROUND TRIP TO KAFKA"}, readerHeader()...), [][]string{
		append([]string{"none"}, s.Direct.cells("-")...),
		append([]string{decimal(s.RoundTrip) + " ms"}, s.Slow.cells(decimal(s.Share)+"x")...),
	})
}

func (t *tables) curve(c *Curve) {
	if c == nil {
		return
	}
	var rows [][]string
	for _, points := range [][]*Point{c.Backlog, c.Partitions} {
		for _, p := range points {
			rows = append(rows, []string{
				count(p.Events), count(p.Partitions), decimal(p.CPUMicros.Median), percent(p.CPUMicros.spread()), whole(p.Rate.Median), decimal(p.PeakRSS.Max / mega),
			})
		}
	}
	t.write([]string{"CURVE EVENTS", "PARTITIONS", "CPU US", "SPREAD", "EVENTS/S", "PEAK MB"}, rows)
}

func (t *tables) application(a *Application) {
	if a == nil {
		return
	}
	rows := [][]string{{"business row alone", decimal(a.Business.Median), percent(a.Business.spread()), "-", "-"}}
	for _, w := range a.Writes {
		rows = append(rows, []string{
			w.Name, decimal(w.Micros.Median), percent(w.Micros.spread()), decimal(w.CPU.Median), decimal(w.Extra.Median) + "x",
		})
	}
	t.write([]string{"TRANSACTION OF AN APPLICATION", "US", "SPREAD", "SERVER CPU US", "EXTRA, OF INSERT'S"}, rows)
}

func (t *tables) targets(targets []Target) {
	var rows [][]string
	for _, g := range targets {
		mark, than := "MISSED", "at least "
		if g.Met {
			mark = "ok"
		}
		if g.AtMost {
			than = "at most "
		}
		rows = append(rows, []string{g.Name, than + withUnit(g.Want, g.Unit), withUnit(g.Got, g.Unit), mark})
	}
	t.write([]string{"TARGET", "WANTED", "GOT", ""}, rows)
}
