package outbox

import (
	"context"
	"strings"
)

// Trace puts the trace context of ctx into an event's headers, under the names that consumers look for: traceparent and
// tracestate of W3C Trace Context. With OpenTelemetry it is
//
//	func(ctx context.Context, headers map[string]string) {
//		otel.GetTextMapPropagator().Inject(ctx, propagation.MapCarrier(headers))
//	}
//
// It is a function because only the tracer at hand knows where in a context its span is, and this package shall not
// choose the application's tracer. What an event brings along in Headers goes before.
type Trace func(ctx context.Context, headers map[string]string)

type traceKey struct{}

type traceContext struct{ parent, state string }

// WithTraceparent gives a context whose events carry a trace on that came in from elsewhere, as from the headers of an
// HTTP request: for applications without a tracer of their own. state, the text of tracestate, may be empty. What is not
// valid is left out, as W3C Trace Context section 4.3 says: a caller's mistake there is no reason to refuse an event.
func WithTraceparent(ctx context.Context, parent, state string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceContext{parent, state})
}

// traceFromContext is the Trace of an Emitter that has none.
func traceFromContext(ctx context.Context, headers map[string]string) {
	trace, _ := ctx.Value(traceKey{}).(traceContext)
	if !validTraceparent(trace.parent) {
		return
	}
	headers["traceparent"] = trace.parent
	if validTracestate(trace.state) {
		headers["tracestate"] = trace.state
	}
}

// validTraceparent knows version 00, W3C Trace Context section 3.2: 00-<trace id>-<parent id>-<flags> in lower case,
// where an id of zeros is none.
func validTraceparent(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) != 4 || parts[0] != "00" {
		return false
	}
	for i, digits := range [...]int{2, 32, 16, 2} {
		if len(parts[i]) != digits || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}

// validTracestate is printable ASCII, W3C Trace Context section 3.3.1, of the length that everybody must pass on.
func validTracestate(s string) bool {
	const most = 512
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
