package page

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/status"
)

// The charts' geometry: a unit is one interval, stretched to what width there is.
const (
	chartWidth  = int(time.Hour / status.SampleEvery)
	chartHeight = 72
)

// line is one curve: value gives false where there is none.
type line struct {
	class markup
	value func(*status.Sample) (float64, bool)
}

// chart is one of the last hour's pictures.
type chart struct {
	title string
	lines []line
	limit func(*status.Sample) (float64, bool) // nil: none
	// tell prints a value; note is what stands for the newest values.
	tell func(float64) string
	note func(*status.View) string
}

// charts are those of the page.
func charts() []chart {
	seconds := func(v float64) string { return span(time.Duration(v * float64(time.Second))) }
	bytes := func(v float64) string { return size(uint64(v)) }
	return []chart{
		{
			title: "Lag, worst of each 10 s", tell: seconds,
			lines: []line{{"a", func(s *status.Sample) (float64, bool) { return s.Lag.Seconds(), true }}},
			note:  func(v *status.View) string { return seconds(v.Lag.Seconds) },
		},
		{
			title: "Events a second", tell: rate,
			lines: []line{{"a", func(s *status.Sample) (float64, bool) { return s.EventsPerSecond, true }}},
			note:  func(v *status.View) string { return rate(v.Recent.EventsPerSecond) },
		},
		{
			title: "Commit to Kafka, p50 and p99", tell: seconds,
			lines: []line{
				{"b", func(s *status.Sample) (float64, bool) { return s.CommitP99.Seconds(), s.CommitP99 > 0 }},
				{"a", func(s *status.Sample) (float64, bool) { return s.CommitP50.Seconds(), s.CommitP50 > 0 }},
			},
			note: commitNote,
		},
		{
			title: "WAL kept for the slot", tell: bytes,
			lines: []line{{"a", func(s *status.Sample) (float64, bool) { return float64(s.Retained), true }}},
			limit: func(s *status.Sample) (float64, bool) { return float64(s.Limit), s.Limit > 0 },
			note:  retainedNote,
		},
	}
}

func commitNote(v *status.View) string {
	if v.Recent.CommitP50 == nil {
		return none
	}
	p50, p99 := time.Duration(*v.Recent.CommitP50*1e9), time.Duration(*v.Recent.CommitP99*1e9)
	return fmt.Sprintf("%s, %s", span(p50), span(p99))
}

func retainedNote(v *status.View) string {
	if v.Slot.SafeBytes < 0 {
		return size(v.Slot.Retained) + ", no limit"
	}
	return size(v.Slot.Retained) + " of " + size(v.Slot.Retained+uint64(v.Slot.SafeBytes))
}

func (c *chart) put(w *writer, v *status.View, history []status.Sample, now time.Time) {
	top := c.top(history)
	w.put("<figure><figcaption>%s <b>%s</b></figcaption>\n", c.title, c.note(v))
	w.put("<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s: %s now, at most %s in the last hour\">\n",
		chartWidth, chartHeight, c.title, c.note(v), c.tell(top))
	w.put("<path class=\"grid\" d=\"M0 %[2]dH%[1]d M0 1H%[1]d\"/>\n", chartWidth, chartHeight-1)
	for _, l := range c.lines {
		w.put("<path class=\"%s\" d=\"%s\"/>\n", l.class, path(history, now, top, l.value))
	}
	if c.limit != nil {
		w.put("<path class=\"limit\" d=\"%s\"/>\n", path(history, now, top, c.limit))
	}
	middle := "top: " + c.tell(top)
	if len(history) == 0 {
		middle = "nothing recorded yet"
	}
	w.put("</svg><p class=\"scale\"><span>1 h ago</span><span>%s</span><span>now</span></p></figure>\n", middle)
}

// top is the largest value of all curves.
func (c *chart) top(history []status.Sample) (top float64) {
	values := make([]func(*status.Sample) (float64, bool), 0, len(c.lines)+1)
	for _, l := range c.lines {
		values = append(values, l.value)
	}
	if c.limit != nil {
		values = append(values, c.limit)
	}
	for i := range history {
		for _, value := range values {
			if v, ok := value(&history[i]); ok {
				top = max(top, v)
			}
		}
	}
	return top
}

// path draws a curve; it is broken where there is no value. A place is a sample's age, not its number: what happened at
// the same time stands at the same place in all charts.
func path(history []status.Sample, now time.Time, top float64, value func(*status.Sample) (float64, bool)) markup {
	var d []byte
	command := byte('M')
	for i := range history {
		v, ok := value(&history[i])
		x := float64(chartWidth) - now.Sub(history[i].At).Seconds()/status.SampleEvery.Seconds()
		if !ok || x < 0 {
			command = 'M'
			continue
		}
		y := float64(chartHeight - 1)
		if top > 0 {
			y -= v / top * (chartHeight - 2)
		}
		d = fmt.Appendf(d, "%c%.1f %.1f", command, x, y)
		if command == 'M' && len(history) > 0 {
			d = append(d, "h.1"...) // a value that stands alone is a dot
		}
		command = 'L'
	}
	return markup(d)
}
