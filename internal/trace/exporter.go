package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

const (
	queued      = 8192 // spans that may wait
	perRequest  = 512  // spans of one request
	sendTimeout = 5 * time.Second
	flushEvery  = time.Second

	sayDroppedEvery = time.Minute
)

// Source is who sends spans.
type Source struct{ Relay, Version, Host string }

// Exporter sends spans to a collector. Published may be called from one goroutine.
type Exporter struct {
	url    string
	source Source
	log    *slog.Logger
	client *http.Client

	record  outbox.Record // scratch of Published
	queue   chan span
	dropped uint64    // by Published, since it was said last
	saidAt  time.Time // when it was said last that spans are dropped
	failing bool      // the last request failed, and that was said
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

// Start sends to an OTLP/HTTP endpoint, as http://127.0.0.1:4318, until Close.
func Start(ctx context.Context, endpoint string, source Source, log *slog.Logger) *Exporter {
	e := &Exporter{
		url: strings.TrimRight(endpoint, "/") + "/v1/traces", source: source, log: log,
		client: &http.Client{Timeout: sendTimeout}, queue: make(chan span, queued),
	}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	e.ended.Go(func() { e.run(ctx) })
	return e
}

// Close sends what still waits, for as long as one request may take, and ends.
func (e *Exporter) Close() {
	e.stop()
	e.ended.Wait()
	e.client.CloseIdleConnections()
}

// Published takes the sampled ones of events whose Kafka transaction committed at that time. It keeps nothing of the
// batch and never waits.
func (e *Exporter) Published(batch *outbox.Batch, at time.Time) {
	for i := range batch.Len() {
		batch.Read(i, &e.record)
		trace, parent, ok := sampled(traceparent(e.record.Headers))
		if !ok {
			continue
		}
		s := span{
			trace: trace, parent: parent, topic: e.record.Topic, id: string(e.record.ID), position: e.record.Position,
			begin: e.record.Timestamp, end: at,
		}
		select {
		case e.queue <- s:
		default:
			e.dropped++
		}
	}
	if e.dropped > 0 && at.Sub(e.saidAt) >= sayDroppedEvery {
		e.log.Warn("spans dropped: the trace collector is slower than the events", "spans", e.dropped)
		e.dropped, e.saidAt = 0, at
	}
}

func traceparent(headers []outbox.Header) []byte {
	for _, h := range headers {
		if string(h.Key) == "traceparent" {
			return h.Value
		}
	}
	return nil
}

func (e *Exporter) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
			defer cancel()
			e.flush(last)
			return
		}
	}
}

// flush sends what waits.
func (e *Exporter) flush(ctx context.Context) {
	for ctx.Err() == nil {
		var spans []encoded
		for len(spans) < perRequest && len(e.queue) > 0 {
			s := <-e.queue
			spans = append(spans, s.encode())
		}
		if len(spans) == 0 {
			return
		}
		e.say(e.send(ctx, spans), len(spans))
	}
}

// say tells once that the collector does not take spans, and once that it does again.
func (e *Exporter) say(err error, spans int) {
	switch {
	case err != nil && !e.failing:
		e.log.Warn("the trace collector takes no spans: they are dropped until it does", "error", err.Error(), "spans", spans)
	case err == nil && e.failing:
		e.log.Info("the trace collector takes spans again")
	}
	e.failing = err != nil
}

func (e *Exporter) send(ctx context.Context, spans []encoded) error {
	body, err := json.Marshal(request{ResourceSpans: []resourceSpans{{
		Resource: resource{[]attribute{
			named("service.name", "relay"), named("service.version", e.source.Version), named("service.instance.id", e.source.Host), named("relay.name", e.source.Relay),
		}},
		ScopeSpans: []scopeSpans{{Scope: scope{"relay", e.source.Version}, Spans: spans}},
	}}})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // lets the connection be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("send spans: the collector answers %s", res.Status)
	}
	return nil
}
