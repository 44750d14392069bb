package chaos

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed storm_page.html
var stormPage string

// WritePage prints the report as a page with a timeline. It loads nothing and runs no script.
func (r *StormReport) WritePage(w io.Writer) error {
	page, err := template.New("storm").Parse(stormPage)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if err := page.Execute(w, r.page()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// pageData is what the page shows.
type pageData struct {
	*StormReport
	Result string
	Sum    *Verdict
	Struck int
	Lanes  []lane
	Faults []faultRow
	Notes  []noteRow
}

// lane is one life on the timeline. Places are in thousandths of the whole.
type lane struct {
	*LifeReport
	Sound       bool
	From, Width float64
	Bars        []bar
}

// bar is a fault, from the strike to its end.
type bar struct {
	From, Down, Back float64 // where it begins, how long it lasts, how long until events came through after it
	Refused          bool
	Title            string
}

type faultRow struct {
	Name, Kind, Times string
}

type noteRow struct {
	At, Life, Kind, Fault, Text, Took string
}

const timelineWidth = 1000

func (r *StormReport) page() pageData {
	d := pageData{StormReport: r, Result: "as it should be", Sum: r.Total(), Struck: r.Count(KindStrike)}
	if !r.Clean() {
		d.Result = "WRONG"
	}
	for _, l := range r.Lives {
		d.Lanes = append(d.Lanes, r.lane(l))
	}
	for _, kind := range []Kind{KindRecovered, KindRefused} {
		times := r.times(kind)
		for _, name := range sortedNames(times) {
			d.Faults = append(d.Faults, faultRow{Name: name, Kind: string(kind), Times: spread(times[name])})
		}
	}
	for _, n := range r.Timeline {
		row := noteRow{At: fmt.Sprintf("%.2f s", n.At.Seconds()), Life: n.Life, Kind: string(n.Kind), Fault: n.Fault, Text: n.Text}
		if n.Took > 0 {
			row.Took = n.Took.Round(time.Millisecond).String()
		}
		d.Notes = append(d.Notes, row)
	}
	return d
}

// lane gathers what the notes tell of a life. A strike is open until a recovery or a refusal; two at once end together.
func (r *StormReport) lane(l *LifeReport) lane {
	scale := func(d time.Duration) float64 {
		return timelineWidth * d.Seconds() / max(r.Took.Seconds(), 0.001)
	}
	made := lane{LifeReport: l, Sound: l.Clean(), From: -1}
	var struck, mended time.Duration = -1, -1
	for _, n := range r.Timeline {
		if n.Life != l.Name {
			continue
		}
		if made.From < 0 {
			made.From = scale(n.At)
		}
		made.Width = scale(n.At) - made.From
		switch n.Kind {
		case KindStrike:
			if struck < 0 {
				struck = n.At
			}
		case KindMend:
			mended = n.At
		case KindRecovered, KindRefused:
			if mended < 0 {
				mended = n.At - min(n.Took, n.At-struck)
			}
			made.Bars = append(made.Bars, bar{
				From: scale(struck), Down: scale(mended - struck), Back: scale(n.At - mended), Refused: n.Kind == KindRefused,
				Title: fmt.Sprintf("%s at %.2f s: %s after %v", n.Fault, struck.Seconds(), n.Kind, n.Took.Round(time.Millisecond)),
			})
			struck, mended = -1, -1
		}
	}
	return made
}
