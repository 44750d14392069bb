package outbox_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/outbox"
)

func TestTraceBecomesHeaders(t *testing.T) {
	const state = "vendor=00f067aa0ba902b7"
	tracer := func(ctx context.Context, headers map[string]string) {
		headers["traceparent"], headers["baggage"] = "own", "k=v"
	}
	tests := []struct {
		name    string
		emitter outbox.Emitter
		ctx     func(context.Context) context.Context
		headers map[string]string
		want    map[string]string
	}{
		{"none", outbox.Emitter{}, nil, nil, nil},
		{"of the context", outbox.Emitter{}, incoming(traceparent, ""), nil, map[string]string{"traceparent": traceparent}},
		{"with state", outbox.Emitter{}, incoming(traceparent, state), map[string]string{"a": "b"}, map[string]string{"traceparent": traceparent, "tracestate": state, "a": "b"}},
		{"the event's goes before", outbox.Emitter{}, incoming(traceparent, ""), map[string]string{"traceparent": "x"}, map[string]string{"traceparent": "x"}},
		{"of a tracer", outbox.Emitter{Trace: tracer}, incoming(traceparent, ""), nil, map[string]string{"traceparent": "own", "baggage": "k=v"}},
		{"not one", outbox.Emitter{}, incoming("00-x", state), nil, nil},
		{"state too long", outbox.Emitter{}, incoming(traceparent, strings.Repeat("x", 513)), nil, map[string]string{"traceparent": traceparent}},
		{"state that is no text", outbox.Emitter{}, incoming(traceparent, "a=\xff"), nil, map[string]string{"traceparent": traceparent}},
		{"with a letter inside", outbox.Emitter{}, incoming(strings.Replace(traceparent, "1916", "19x6", 1), ""), nil, nil},
		{"too short", outbox.Emitter{}, incoming(strings.Replace(traceparent, "1916", "196", 1), ""), nil, nil},
		{"a part more", outbox.Emitter{}, incoming(traceparent+"-00", ""), nil, nil},
		{"in capitals", outbox.Emitter{}, incoming("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", ""), nil, nil},
		{"no trace id", outbox.Emitter{}, incoming("00-00000000000000000000000000000000-b7ad6b7169203331-01", ""), nil, nil},
		{"no parent id", outbox.Emitter{}, incoming("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ""), nil, nil},
		{"reserved version", outbox.Emitter{}, incoming("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			event := outbox.Event{AggregateType: "a", AggregateID: "b", Type: "c", Bytes: []byte{}, Headers: tt.headers}
			before := maps.Clone(tt.headers)
			var sent capturingTx
			tt.emitter.WALMessages = walPrefix
			check(t, tt.emitter.Emit(ctx, &sent, event))
			var b outbox.Batch
			cfg := outbox.Defaults()
			cfg.WALMessages = walPrefix
			check(t, must(outbox.NewMapper(cfg))(t).MapMessage(sent.message, outbox.Transaction{}, 0, &b))
			got := recordsOf(&b)[0].Headers
			delete(got, "type")
			if !maps.Equal(got, tt.want) {
				t.Errorf("headers are %v, want %v", got, tt.want)
			}
			if !maps.Equal(event.Headers, before) {
				t.Error("the caller's map has changed")
			}
		})
	}
}

// TestHeadersStayWithTheirEvent: the trace is of all events of a call, their own headers are not.
func TestHeadersStayWithTheirEvent(t *testing.T) {
	ctx := outbox.WithTraceparent(t.Context(), traceparent, "")
	one := outbox.Event{AggregateType: "a", AggregateID: "b", Type: "c", Tombstone: true, Headers: map[string]string{"a": "b"}}
	other := one
	other.Headers = nil
	db := newDatabase(t, "")
	inPgx(t, db.url, func(tx outbox.Tx) { check(t, outbox.Emit(ctx, tx, one, other)) })
	got := db.records(t)
	if len(got) != 2 || got[0].Headers["a"] != "b" || len(got[1].Headers) != 2 || got[1].Headers["traceparent"] != traceparent {
		t.Errorf("records are %v", got)
	}
}

func incoming(parent, state string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return outbox.WithTraceparent(ctx, parent, state) }
}
