package chaos

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// StormReport says what a storm did and what came of it. It is meant for JSON, for Write, and for WritePage.
type StormReport struct {
	Seed     uint64        `json:"seed"`
	Relay    string        `json:"relay"`    // what `relay version` says
	Postgres string        `json:"postgres"` // version of the server
	Kafka    string        `json:"kafka"`
	Faults   []string      `json:"faults"` // that could come
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"took_ns"`
	Timeline []Note        `json:"timeline"`
	Lives    []*LifeReport `json:"lives"`
	Error    string        `json:"error"` // what kept the storm from its end; empty: nothing

	say func(string, ...any)
}

// LifeReport is about one relay name.
type LifeReport struct {
	Name     string   `json:"name"`
	Settings Settings `json:"settings"`
	Workload Tally    `json:"workload"`
	Verdict  *Verdict `json:"verdict"`  // nil: the life did not come to its end
	Protocol string   `json:"protocol"` // the first action that the model does not allow; empty: none
	Audit    string   `json:"audit"`    // what `relay audit` found wrong; empty: nothing
}

// Note is a point of the timeline.
type Note struct {
	At    time.Duration `json:"at_ns"` // since the storm began
	Life  string        `json:"life"`
	Kind  Kind          `json:"kind"`
	Fault string        `json:"fault"` // empty: it is not about one
	Text  string        `json:"text"`
	// Took is, of a mend, how long the fault lasted; of a recovery, how long after the mend until an event that was
	// committed then was visible; of a refusal, how long it was in coming.
	Took time.Duration `json:"took_ns"`
}

// Kind says what happened.
type Kind string

// The kinds of notes.
const (
	KindStrike    Kind = "strike"
	KindMend      Kind = "mend"
	KindRecovered Kind = "recovered"
	KindRefused   Kind = "refused"
	KindVerdict   Kind = "verdict"
)

func newStormReport(s *Storm) *StormReport {
	r := &StormReport{Seed: s.Seed, Began: time.Now(), say: s.Say}
	for _, f := range s.Faults {
		r.Faults = append(r.Faults, f.Name)
	}
	return r
}

// versions notes what the storm is about.
func (r *StormReport) versions(ctx context.Context, w *World, binary string) error {
	r.Postgres, r.Kafka = w.version, w.Kafka.Version()
	out, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return fmt.Errorf("ask relay for its version: %w", err)
	}
	r.Relay = strings.TrimSpace(string(out))
	return nil
}

func (r *StormReport) life(name string, settings Settings) *LifeReport {
	l := &LifeReport{Name: name, Settings: settings}
	r.Lives = append(r.Lives, l)
	return l
}

func (r *StormReport) note(l *LifeReport, kind Kind, fault, text string, took time.Duration) {
	n := Note{At: time.Since(r.Began), Life: l.Name, Kind: kind, Fault: fault, Text: text, Took: took}
	r.Timeline = append(r.Timeline, n)
	r.say("%s", n)
}

// String is a line for people.
func (n Note) String() string {
	text := fmt.Sprintf("%8.2fs %s %-9s %s", n.At.Seconds(), n.Life, n.Kind, n.Fault)
	if n.Text != "" {
		text += ": " + n.Text
	}
	if n.Took > 0 {
		text += fmt.Sprintf(" (%v)", n.Took.Round(time.Millisecond))
	}
	return text
}

// Clean is true when nothing is wrong.
func (l *LifeReport) Clean() bool {
	return l.Verdict != nil && l.Verdict.Clean() && l.Protocol == "" && l.Audit == ""
}

func (l *LifeReport) summary() string {
	if l.Verdict == nil {
		return "none"
	}
	text := "as it should be"
	if !l.Clean() {
		text = "WRONG"
	}
	return fmt.Sprintf("%d written, %d published: %s", l.Verdict.Written, l.Verdict.Published, text)
}

// Clean is true when the storm came to its end and nothing is wrong in any life.
func (r *StormReport) Clean() bool {
	return r.Error == "" && len(r.Lives) > 0 && !slices.ContainsFunc(r.Lives, func(l *LifeReport) bool { return !l.Clean() })
}

// Count says how many notes there are of a kind.
func (r *StormReport) Count(kind Kind) int {
	n := 0
	for _, each := range r.Timeline {
		if each.Kind == kind {
			n++
		}
	}
	return n
}

// Total adds up the verdicts of all lives. Its findings name the life.
func (r *StormReport) Total() *Verdict {
	sum := new(Verdict)
	for _, l := range r.Lives {
		if v := l.Verdict; v != nil {
			sum.add(v, l.Name)
		}
	}
	return sum
}

func (v *Verdict) add(o *Verdict, life string) {
	for _, f := range []struct{ to, from *int }{
		{&v.Written, &o.Written},
		{&v.Published, &o.Published},
		{&v.Missing, &o.Missing},
		{&v.Twice, &o.Twice},
		{&v.Phantoms, &o.Phantoms},
		{&v.Altered, &o.Altered},
		{&v.Disorder, &o.Disorder},
		{&v.Torn, &o.Torn},
		{&v.SeqWrong, &o.SeqWrong},
		{&v.Zombies, &o.Zombies},
		{&v.PieceFail, &o.PieceFail},
		{&v.Cut, &o.Cut},
	} {
		*f.to += *f.from
	}
	for _, f := range o.Findings {
		v.Findings = append(v.Findings, Finding{Kind: f.Kind, Text: life + ": " + f.Text})
	}
}

// times are how long recoveries from each fault took, or refusals of it.
func (r *StormReport) times(kind Kind) map[string][]time.Duration {
	byFault := make(map[string][]time.Duration)
	for _, n := range r.Timeline {
		if n.Kind == kind {
			byFault[n.Fault] = append(byFault[n.Fault], n.Took)
		}
	}
	return byFault
}

func sortedNames(times map[string][]time.Duration) []string { return slices.Sorted(maps.Keys(times)) }

// Write prints the report for people.
func (r *StormReport) Write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "relay      %s\n", r.Relay)
	fmt.Fprintf(&b, "storm      seed %d, Postgres %s, Kafka %s, %d faults in %v\n", r.Seed, r.Postgres, r.Kafka, r.Count(KindStrike), r.Took.Round(time.Millisecond))
	for _, kind := range []Kind{KindRecovered, KindRefused} {
		times := r.times(kind)
		for _, name := range sortedNames(times) {
			fmt.Fprintf(&b, "%-10s %-40s %s\n", kind, name, spread(times[name]))
		}
	}
	fmt.Fprintf(&b, "lives      %d\n", len(r.Lives))
	r.Total().write(&b)
	for _, l := range r.Lives {
		if wrong := cmp.Or(l.Protocol, l.Audit); wrong != "" {
			fmt.Fprintf(&b, "%-10s %s\n", l.Name, wrong)
		}
	}
	verdict := "as it should be"
	if !r.Clean() {
		verdict = "WRONG: " + cmp.Or(r.Error, "see above")
	}
	fmt.Fprintf(&b, "result     %s\n", verdict)
	_, err := io.WriteString(out, b.String())
	return err
}
