package page

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

func get(tr *status.Tracker, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handlerOf(tr).ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// TestPageSays what each state is about.
func TestPageSays(t *testing.T) {
	for state, parts := range map[string][]string{
		"streaming": {
			"<title>payments is streaming</title>", `header class="good"`, "1,904,417", "slot flush <tspan", "checkpoint <tspan", "end of the WAL <tspan",
			"payment.events", "outbox.event_mon", "2026-11-24 14:18 (in 2 h 18 m)", "slot relay_ledger has not confirmed its rows (other_slot_behind)", "Events in the parked topic: 2", "doubt: something was in doubt",
			"command: a command had the slot", "39.1 KiB of 50 GiB", "refreshed every 10 s",
		},
		"standby": {`header class="good"`, "slot relay_payments is active for PID 4711", "no limit", "None has ended yet."},
		"halted":  {`header class="bad"`, "halted, not ready", "&#34;no blanks please&#34;", "relay explain RLY4001"},
		"refused": {`header class="bad"`, `slot &#34;relay_payments&#34; is ahead of the checkpoint`, "relay explain RLY1003", "761.1 KiB at risk", `rect class="risk"`, "never streamed"},
		"paused":  {`header class="open"`, "paused, not ready", "paused by alice"},
		"new":     {"starting, not ready", "The positions are not known yet", "nothing recorded yet"},
	} {
		text := get(fixtures()[state], "/").Body.String()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: the page does not say %q", state, part)
			}
		}
	}
}

// TestPageIsAlone: nothing to run, nothing to fetch, nothing to send, and the browser is told so.
func TestPageIsAlone(t *testing.T) {
	for state, tr := range fixtures() {
		answer := get(tr, "/")
		text := answer.Body.String()
		for _, bad := range []string{"<script", "javascript:", " onload", " onclick", "src=", "<form", "http://", "https://", "url(", "@import", " style="} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the page has %q", state, bad)
			}
		}
		policy := answer.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("policy %q lacks %q", policy, part)
			}
		}
		if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
}

func TestRefreshCanBeStopped(t *testing.T) {
	tr := fixtures()["streaming"]
	if text := get(tr, "/").Body.String(); !strings.Contains(text, `http-equiv="refresh" content="10"`) {
		t.Error("the page does not refresh itself")
	}
	if text := get(tr, "/?refresh=off").Body.String(); strings.Contains(text, "http-equiv") || !strings.Contains(text, `href="?"`) {
		t.Error("the page refreshes itself all the same, or cannot be made to")
	}
}

// TestPageIsWellFormed: each element is closed where it was opened.
func TestPageIsWellFormed(t *testing.T) {
	for state, tr := range fixtures() {
		if err := wellFormed(get(tr, "/").Body.String()); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
}

// TestWhateverIsShownIsEscaped: names of topics come out of events, reasons out of other programs.
func TestWhateverIsShownIsEscaped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evil := rapid.StringMatching(`[<>"'&a-z ]{0,8}`).Draw(t, "before") + `<script>alert("x")</script>'"&lt;` + rapid.StringMatching(`[<>"'&=]{0,4}`).Draw(t, "after")
		tr := status.New(evil, status.WithBuild(evil, evil), status.WithClock(noon))
		tr.SetState(status.Refused, evil, 1003)
		tr.Written(func(yield func(string, int32, int)) { yield(evil, 0, 1) })
		tr.OutboxSeen([]status.Partition{{Name: evil}})
		tr.SlotSeen(status.Slot{Flush: 1, WALStatus: evil})
		tr.SessionStarted()
		tr.SessionEnded(evil)
		tr.Paused(evil)
		text := get(tr, "/").Body.String()
		if strings.Contains(text, "<script") {
			t.Fatal("a script is in the page")
		}
		if err := wellFormed(text); err != nil {
			t.Fatalf("the page is broken: %v", err)
		}
	})
}

// wellFormed reads the page as XML, which its HTML is too but for the first line.
func wellFormed(text string) error {
	dec := xml.NewDecoder(strings.NewReader(strings.Replace(text, "<!doctype html>", "", 1)))
	dec.Entity = xml.HTMLEntity
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestRulerIsToScale: distances in the picture are in proportion to the WAL, whatever order the positions are in.
func TestRulerIsToScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		position := rapid.Uint64Range(1, 1<<48)
		a, b, c := position.Draw(t, "a"), position.Draw(t, "b"), position.Draw(t, "c")
		low, high := min(a, b, c), max(a, b, c)
		s := scale{from: outbox.LSN(low), to: outbox.LSN(high)}
		for _, at := range []uint64{a, b, c} {
			x := s.percent(outbox.LSN(at))
			if low == high {
				continue
			}
			if want := 100 * float64(at-low) / float64(high-low); x != want || x < 0 || x > 100 {
				t.Fatalf("%d of %d..%d is at %f %%", at, low, high, x)
			}
		}
		if span, step := s.span(), s.step(); span >= 8 && (span/step < 4 || span/step > 8) {
			t.Fatalf("%d bytes in ticks of %d", span, step)
		}
	})
}

// TestCurveKeepsItsGaps: where nothing was measured nothing is drawn, and time is to scale.
func TestCurveKeepsItsGaps(t *testing.T) {
	var history []status.Sample
	for _, minutes := range []int{70, 30, 29, 10} {
		history = append(history, status.Sample{At: noon().Add(-time.Duration(minutes) * time.Minute), Retained: uint64(minutes)})
	}
	got := path(history, noon(), 30, func(s *status.Sample) (float64, bool) { return float64(s.Retained), s.Retained != 29 })
	if want := "M180.0 1.0h.1M300.0 47.7h.1"; string(got) != want {
		t.Errorf("path %q, want %q", got, want)
	}
}

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"0 s": span(-time.Second), "180 ms": span(180 * time.Millisecond), "4.2 s": span(4200 * time.Millisecond), "3 m 5 s": span(185 * time.Second),
		"2 h 18 m": span(138 * time.Minute), "2 d 21 h": span(69 * time.Hour), "999 B": size(999), "6.6 KiB": size(6758), "50 GiB": size(50 << 30),
		"7": count(7), "1,904,417": count(1904417), "0.4/s": rate(0.4), "12,346/s": rate(12345.6),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func ExampleHandler() {
	tr := status.New("payments")
	w := httptest.NewRecorder()
	Handler(tr, time.Now).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
