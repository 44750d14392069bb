package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
)

// TestPauseAgainstServers pauses, reloads and resumes the real program at work, and reads its page meanwhile.
func TestPauseAgainstServers(t *testing.T) {
	r := newRig(t)
	r.relay(t, fault.ExitDone, "init")
	socket := "server.admin_socket=" + filepath.Join(r.dir, "relay.sock")
	d := r.start(t, "--set", socket)
	says := func(path string, code int, text string) func() bool {
		return func() bool {
			got, answer := fetch(t, d.base+path)
			return got == code && strings.Contains(answer, text)
		}
	}
	r.emit(t, 1)
	eventually(t, says("/status", http.StatusOK, `"events_total": 1,`))

	stdout, _ := r.relay(t, fault.ExitDone, "pause", "--set", socket)
	wants(t, stdout, r.name+" is paused", "It keeps slot "+r.pg.Database, "of WAL for it now", "the disk is the limit")
	r.emit(t, 2)
	eventually(t, says("/status", http.StatusOK, `"pending_events": 2`))
	eventually(t, says("/readyz", http.StatusServiceUnavailable, `"state": "paused"`))
	eventually(t, says("/", http.StatusOK, "paused, not ready"))
	r.relay(t, fault.ExitDone, "reload", "--set", socket)
	eventually(t, says("/status", http.StatusOK, `"reload": 1`))
	eventually(t, says("/readyz", http.StatusServiceUnavailable, `"state": "paused"`))
	if c := r.checkpoint(t); c.Record.EventsTotal != 1 {
		t.Errorf("a paused relay has published: %+v", c.Record)
	}

	stdout, _ = r.relay(t, fault.ExitDone, "resume", "--set", socket)
	wants(t, stdout, r.name+" is streaming")
	eventually(t, says("/status", http.StatusOK, `"events_total": 3,`))
	eventually(t, says("/", http.StatusOK, "slot flush <tspan"))
	d.stop(t)
}

// TestSpansAgainstServers: an event whose application samples its trace gets a span at the collector; the others none.
func TestSpansAgainstServers(t *testing.T) {
	bodies := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(body)
	}))
	t.Cleanup(collector.Close)
	r := newRig(t)
	r.relay(t, fault.ExitDone, "init")
	r.emit(t, 2)
	r.pg.Exec(t, `BEGIN; SET LOCAL outbox.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
		SELECT outbox.emit('payment', 'pay_traced', 'PaymentBooked', '{"amount": 12.30}'); COMMIT`)
	r.relay(t, fault.ExitDone, "run", "--once", "--set", "tracing.otlp_endpoint="+collector.URL)
	close(bodies)
	var all strings.Builder
	for body := range bodies {
		all.WriteString(body)
	}
	wants(t, all.String(), `"traceId":"0af7651916cd43dd8448eb211c80319c"`, `"parentSpanId":"b7ad6b7169203331"`, `"name":"send `+r.name+`.payment"`)
	if n := strings.Count(all.String(), `"spanId"`); n != 1 || strings.Contains(all.String(), "amount") || strings.Contains(all.String(), "pay_traced") {
		t.Errorf("the collector got %d spans: %s", n, all.String())
	}
}
