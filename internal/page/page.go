package page

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/status"
)

// document is everything that one answer shows.
type document struct {
	view    status.View
	history []status.Sample
	now     time.Time
	refresh bool
}

// render makes the page.
func (d *document) render() string {
	var w writer
	v := &d.view
	w.put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
	w.put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n")
	if d.refresh {
		w.put("<meta http-equiv=\"refresh\" content=\"%d\"/>\n", int(refreshEvery.Seconds()))
	}
	w.put("<link rel=\"icon\" href=\"data:,\"/>\n<title>%s is %s</title>\n<style>%s</style>\n</head>\n<body>\n", v.Relay, v.State, style)
	d.header(&w)
	w.put("<main>\n")
	d.numbers(&w)
	w.section("Where it is", func() { ruler(&w, v) })
	w.section("The last hour", func() {
		w.put("<div class=\"charts\">\n")
		for _, c := range charts() {
			c.put(&w, v, d.history, d.now)
		}
		w.put("</div>\n")
	})
	d.parked(&w)
	d.topics(&w)
	d.outbox(&w)
	d.sessions(&w)
	w.put("</main>\n")
	d.footer(&w)
	w.put("</body>\n</html>\n")
	return w.String()
}

func (d *document) header(w *writer) {
	v := &d.view
	w.put("<header class=\"%s\">\n<h1>%s <span class=\"state\">%s</span></h1>\n", mood(v), v.Relay, stateText(v))
	w.put("<p>for %s · %s on %s, pid %d, up for %s</p>\n", span(d.now.Sub(v.Since)), v.Version, v.Host, v.PID, span(d.now.Sub(v.Started)))
	if v.Reason != "" {
		w.put("<p class=\"reason\">%s</p>\n", v.Reason)
	}
	for _, about := range v.About {
		w.put("<p>%s</p>\n", about)
	}
	if v.Hint != "" {
		w.put("<p>%s</p>\n", v.Hint)
	}
	if p := v.Paused; p != nil && v.State != status.Paused {
		w.put("<p class=\"reason\">Paused by %s since %s: when it could stream it will publish nothing.</p>\n", p.By, moment(p.Since, d.now))
	}
	if v.Code != 0 {
		w.put("<p>What it means and what to do: <code>relay explain %s</code></p>\n", v.Code)
	}
	w.put("</header>\n")
}

// mood is how the state is dressed; its name is always there too.
func mood(v *status.View) markup {
	switch {
	case v.Ready:
		return "good"
	case v.State == status.Starting || v.State == status.Stopping || v.State == status.Paused || v.State == status.Standby:
		return "open"
	}
	return "bad"
}

func stateText(v *status.View) string {
	if v.Ready {
		return string(v.State)
	}
	return string(v.State) + ", not ready"
}

// numbers are what one wants to know first.
func (d *document) numbers(w *writer) {
	v := &d.view
	w.put("<dl class=\"numbers\">\n")
	number := func(name, value, more string) {
		w.put("<div><dt>%s</dt><dd>%s <small>%s</small></dd></div>\n", name, value, more)
	}
	number("Lag", span(time.Duration(v.Lag.Seconds*float64(time.Second))), fmt.Sprintf("%s, %s events wait", size(v.Lag.Bytes), count(uint64(max(0, v.Lag.PendingEvents)))))
	number("Events", count(v.Checkpoint.EventsTotal), "since init; "+count(v.Published.Events)+" by this process")
	number("Checkpoint", v.Checkpoint.ResumeLSN.String(), "written "+agoOf(v.Checkpoint.Written, d.now))
	number("Slot", statusOf(v.Slot), retainedNote(v)+", seen "+agoOf(v.Slot.Seen, d.now))
	number("Kafka", rate(v.Recent.Transactions), "transactions; commit "+commitNote(v)+"; epoch "+fmt.Sprint(v.Epoch))
	number("Memory", size(uint64(max(0, v.Memory.Used))), "of "+size(uint64(max(0, v.Memory.Budget)))+" for events in flight")
	w.put("</dl>\n")
}

func agoOf(t *time.Time, now time.Time) string {
	if t == nil {
		return "never yet"
	}
	return span(now.Sub(*t)) + " ago"
}

func statusOf(s status.SlotView) string {
	if s.WALStatus == "" {
		return none
	}
	return s.WALStatus
}

func (d *document) parked(w *writer) {
	cp := &d.view.Checkpoint
	if cp.Parked == 0 && cp.HeldKeys == 0 {
		return
	}
	w.section("Parked", func() {
		w.put("<p>Events in the parked topic: %s. Keys that are held, so that later events wait behind a parked one: %s. <code>relay parked list</code> shows them.</p>\n",
			count(cp.Parked), count(cp.HeldKeys))
	})
}

// shownTopics bounds the list.
const shownTopics = 50

func (d *document) topics(w *writer) {
	topics := d.view.Topics
	if len(topics) == 0 {
		return
	}
	w.section("Topics written by this process", func() {
		var rows [][]string
		for _, t := range topics[:min(len(topics), shownTopics)] {
			rows = append(rows, []string{t.Topic, count(t.Events), count(uint64(t.Partitions)), moment(t.Written, d.now)})
		}
		w.table([]string{"Topic", "Events", "Partitions written", "Last"}, rows)
		if more := len(topics) - shownTopics; more > 0 {
			w.put("<p class=\"quiet\">and %d more; /status has all</p>\n", more)
		}
	})
}

func (d *document) outbox(w *writer) {
	o := &d.view.Outbox
	if len(o.Partitions) == 0 {
		return
	}
	w.section("Outbox", func() {
		var rows [][]string
		for _, p := range o.Partitions {
			next := none
			if p.NextTruncate != nil {
				next = p.NextTruncate.UTC().Format("2006-01-02 15:04") + " (in " + span(p.NextTruncate.Sub(d.now)) + ")"
			}
			rows = append(rows, []string{p.Name, size(p.Bytes), momentOf(p.Oldest, d.now), next, keptText(p.Kept)})
		}
		w.table([]string{"Table", "Size", "Oldest row", "Next truncate", "Not truncated because"}, rows)
	})
}

// keptText says why a partition that is old enough is still there.
func keptText(k *status.Kept) string {
	if k == nil {
		return none
	}
	return k.Detail + " (" + k.Reason + ")"
}

func (d *document) sessions(w *writer) {
	s := &d.view.Sessions
	w.section("Sessions", func() {
		if s.Current != nil {
			w.put("<p>The present one began %s.</p>\n", moment(*s.Current, d.now))
		}
		if len(s.Recent) == 0 {
			w.put("<p class=\"quiet\">None has ended yet.</p>\n")
			return
		}
		var rows [][]string
		for i := len(s.Recent) - 1; i >= 0; i-- {
			session := s.Recent[i]
			recovery := "never streamed"
			if session.RecoverySeconds != nil {
				recovery = span(time.Duration(*session.RecoverySeconds * float64(time.Second)))
			}
			rows = append(rows, []string{moment(session.Ended, d.now), whyEnded(session.Reason), span(session.Ended.Sub(session.Started)), recovery})
		}
		w.table([]string{"Ended", "Why", "Lasted", "Recovery"}, rows)
		w.put("<p class=\"quiet\">Begun since the process started: %s. The last ten that ended are listed.</p>\n", count(s.Started))
	})
}

// whyEnded says what the word that labels the end of a session means.
func whyEnded(reason string) string {
	means := map[string]string{
		"stopped":     "the relay was told to stop",
		"caught_up":   "everything was published that was to be",
		"reload":      "the configuration was loaded again",
		"refused":     "a person must decide",
		"halted":      "an event cannot be published",
		"bad_event":   "Kafka named an event that it does not take",
		"standby":     "the slot became free",
		"command":     "a command had the slot",
		"fenced":      "another instance took over",
		"unreachable": "Postgres or Kafka could not be reached",
		"doubt":       "something was in doubt: a time-out, a lost connection",
	}
	if text, ok := means[reason]; ok {
		return reason + ": " + text
	}
	return reason
}

func (d *document) footer(w *writer) {
	w.put("<footer><p>%s UTC · ", d.now.UTC().Format("2006-01-02 15:04:05"))
	if d.refresh {
		w.put("refreshed every %d s, <a href=\"?refresh=off\">stop that</a>", int(refreshEvery.Seconds()))
	} else {
		w.put("not refreshed, <a href=\"?\">do that</a>")
	}
	w.put(" · <a href=\"/status\">status as JSON</a> · <a href=\"/metrics\">metrics</a> · <a href=\"/readyz\">readiness</a></p></footer>\n")
}
