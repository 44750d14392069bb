package outbox

import (
	"context"
	"regexp"
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
// HTTP request: for applications without a tracer of their own. state may be empty. A traceparent that is not one is
// left out, as W3C Trace Context section 4.3 says: a caller's mistake there is no reason to refuse an event.
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
	if trace.state != "" {
		headers["tracestate"] = trace.state
	}
}

// validTraceparent knows version 00, W3C Trace Context section 3.2.2: an id of zeros is none.
func validTraceparent(s string) bool {
	ok, _ := regexp.MatchString(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`, s)
	return ok && s[3:35] != "00000000000000000000000000000000" && s[36:52] != "0000000000000000"
}
