package trace

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/outbox"
)

const (
	traced    = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

func TestSampled(t *testing.T) {
	for header, want := range map[string]bool{
		traced: true, unsampled: false, "": false, "00-": false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03":  true,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01":  false,
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01":  false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01":  false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz":  false,
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":  false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x": false,
	} {
		trace, parent, got := sampled([]byte(header))
		if got != want || (got && (trace != "0af7651916cd43dd8448eb211c80319c" || parent != "b7ad6b7169203331")) {
			t.Errorf("%q: %v %s %s", header, got, trace, parent)
		}
	}
}

// batch holds an event for each traceparent; empty: it has none.
func batch(headers ...string) *outbox.Batch {
	b := new(outbox.Batch)
	for i, h := range headers {
		r := outbox.Record{
			Topic: "payment.events", Key: []byte("secret key"), Value: []byte("secret value"), ID: []byte("e1"), Timestamp: 1_700_000_000_000,
			Partition: outbox.PartitionByKey, Position: outbox.Position{Timeline: 1, CommitLSN: 255, Index: uint32(i)},
		}
		if h != "" {
			r.Headers = []outbox.Header{{Key: []byte("other"), Value: []byte("secret header")}, {Key: []byte("traceparent"), Value: []byte(h)}}
		}
		b.Append(&r)
	}
	return b
}

// TestSpansOfSampledEvents arrive at the collector in OTLP's form, without anything of the payload.
func TestSpansOfSampledEvents(t *testing.T) {
	bodies := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + "\n" + string(body)
	}))
	defer collector.Close()
	e := Start(t.Context(), collector.URL+"/", Source{"payments", "1.0.0", "relay-0"}, slog.New(slog.DiscardHandler))
	e.Published(batch("", unsampled, traced), time.UnixMilli(1_700_000_000_250))
	e.Close()
	head, body, _ := strings.Cut(<-bodies, "\n")
	if head != "POST /v1/traces application/json" {
		t.Errorf("request %s", head)
	}
	if strings.Contains(body, "secret") {
		t.Errorf("something of the event is in %s", body)
	}
	var got request
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	spans := got.ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 1 || len(spans[0].SpanID) != 16 {
		t.Fatalf("spans %+v", spans)
	}
	spans[0].SpanID = ""
	want := encoded{
		TraceID: "0af7651916cd43dd8448eb211c80319c", ParentID: "b7ad6b7169203331", Name: "send payment.events", Kind: 4,
		Start: "1700000000000000000", End: "1700000000250000000",
		Attributes: []attribute{
			named("messaging.system", "kafka"), named("messaging.operation.type", "send"), named("messaging.destination.name", "payment.events"),
			named("relay.position", "00000001-00000000000000FF-00000002"), named("messaging.message.id", "e1"),
		},
	}
	if diff := cmp.Diff(want, spans[0]); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
	if name := got.ResourceSpans[0].Resource.Attributes[0]; name != named("service.name", "relay") {
		t.Errorf("resource %+v", got.ResourceSpans[0].Resource)
	}
}

// TestCollectorThatIsGone holds nobody up; what does not fit is dropped.
func TestCollectorThatIsGone(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	url := collector.URL
	collector.Close()
	e := Start(t.Context(), url, Source{}, slog.New(slog.DiscardHandler))
	many := make([]string, 1000)
	for i := range many {
		many[i] = traced
	}
	for range 20 {
		e.Published(batch(many...), time.Now())
	}
	e.Close()
}

// TestTroubleIsSaidOnce, and its end.
func TestTroubleIsSaidOnce(t *testing.T) {
	var broken atomic.Bool
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer collector.Close()
	var log strings.Builder
	e := &Exporter{url: collector.URL, log: slog.New(slog.NewTextHandler(&log, nil)), client: collector.Client(), queue: make(chan span, queued)}
	for _, b := range []bool{true, true, false, false} {
		broken.Store(b)
		e.Published(batch(traced), time.Now())
		e.flush(t.Context())
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "503") || !strings.Contains(log.String(), "again") {
		t.Errorf("log:\n%s", log.String())
	}
}
