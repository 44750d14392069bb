package chaos

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report says what a campaign did and what came of it. It is meant for JSON as well as for Write.
type Report struct {
	Seed     uint64         `json:"seed"`
	Postgres int            `json:"postgres"` // major version
	Began    time.Time      `json:"began"`
	Took     time.Duration  `json:"took_ns"`
	Settings Settings       `json:"settings"`
	Workload Tally          `json:"workload"`
	Kills    int            `json:"kills"`
	KilledAt map[string]int `json:"killed_at"` // by the last action of the protocol log
	// Recoveries are the times from a start to the first commit of events, of relays that lived to see it.
	Recoveries []time.Duration `json:"recoveries_ns"`
	Epochs     int             `json:"epochs"`     // the highest producer epoch that was seen
	PeakBytes  int64           `json:"peak_bytes"` // most memory that a relay had resident when it was killed
	Verdict    *Verdict        `json:"verdict"`    // nil when the campaign did not come to its end
	// Protocol is the first action of all relays that the model does not allow; empty: none.
	Protocol string `json:"protocol"`
	// Audit is what `relay audit` found wrong; empty: nothing.
	Audit string `json:"audit"`
}

func newReport(c *Campaign) *Report {
	return &Report{
		Seed: c.Seed, Postgres: c.Fleet.Place.Server.Major, Settings: c.Fleet.Settings, Began: time.Now(), KilledAt: make(map[string]int),
	}
}

func (r *Report) peak(u Usage) { r.PeakBytes = max(r.PeakBytes, u.Peak) }

// killed notes where the relay was in its protocol when it died.
func (r *Report) killed(p *Process, m moment, say func(string, ...any)) error {
	list, err := p.actions()
	if err != nil {
		return err
	}
	r.Kills++
	r.KilledAt[lastAction(list)]++
	for _, a := range list {
		r.Epochs = max(r.Epochs, int(a.Epoch))
	}
	if i := slices.IndexFunc(list, action.commits); i >= 0 {
		r.Recoveries = append(r.Recoveries, list[i].at.Sub(p.Started))
	}
	if say != nil {
		say("%s killed %s, at %q: %d commits", p.Name, m, lastAction(list), count(list, action.commits))
	}
	return nil
}

// Clean is true when the campaign came to its end and nothing is wrong.
func (r *Report) Clean() bool {
	return r.Verdict != nil && r.Verdict.Clean() && r.Protocol == "" && r.Audit == ""
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	t := r.Workload
	fmt.Fprintf(&b, "campaign   seed %d, Postgres %d, %d kills in %v\n", r.Seed, r.Postgres, r.Kills, r.Took.Round(time.Millisecond))
	fmt.Fprintf(&b, "settings   %s\n", r.Settings)
	fmt.Fprintf(&b, "workload   %d transactions committed, with %d events; %d rolled back, %d savepoints undone\n", t.Committed, t.Events, t.RolledBack, t.Undone)
	fmt.Fprintf(&b, "           %d copies, %d WAL messages, %d prepared, %d large, %d connections lost\n", t.Copies, t.Messages, t.Prepared, t.Large, t.Lost)
	fmt.Fprintf(&b, "killed at  %s\n", r.killedAt())
	fmt.Fprintf(&b, "recovery   %s from a start to the next commit of events\n", spread(r.Recoveries))
	fmt.Fprintf(&b, "relay      highest epoch %d, most memory %.1f MiB\n", r.Epochs, float64(r.PeakBytes)/(1<<20))
	if r.Verdict == nil {
		b.WriteString("verdict    none: the campaign did not come to its end\n")
	} else {
		r.Verdict.write(&b)
		fmt.Fprintf(&b, "protocol   %s\n", cmp.Or(r.Protocol, "as the model allows"))
		fmt.Fprintf(&b, "audit      %s\n", cmp.Or(r.Audit, "proved by relay audit"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (v *Verdict) write(b *strings.Builder) {
	fmt.Fprintf(b, "verdict    written %d, published %d: missing %d, twice %d, phantom %d, altered %d, disorder %d, torn %d\n",
		v.Written, v.Published, v.Missing, v.Twice, v.Phantoms, v.Altered, v.Disorder, v.Torn)
	fmt.Fprintf(b, "           relay-seq wrong %d, fenced and still writing %d, pieces wrong %d; %d transactions in pieces\n",
		v.SeqWrong, v.Zombies, v.PieceFail, v.Cut)
	for _, f := range v.Findings {
		fmt.Fprintf(b, "  %-9s %s\n", f.Kind, f.Text)
	}
}

// killedAt lists in the order of the protocol.
func (r *Report) killedAt() string {
	var parts []string
	for _, name := range append([]string{beforeOwn}, momentNames()...) {
		if n := r.KilledAt[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	return strings.Join(parts, ", ")
}

func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "unknown"
	}
	sorted := slices.Sorted(slices.Values(times))
	return fmt.Sprintf("median %v, at most %v (%d times)", sorted[len(sorted)/2].Round(time.Millisecond), sorted[len(sorted)-1].Round(time.Millisecond), len(sorted))
}
