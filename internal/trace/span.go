package trace

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// span is one event's way to Kafka, with texts of its own.
type span struct {
	trace, parent string // hexadecimal
	topic, id     string
	position      outbox.Position
	begin         int64 // milliseconds since the Unix epoch
	end           time.Time
}

// The header's parts, W3C Trace Context section 3.2: 00-<trace id>-<parent id>-<flags>.
const (
	traceFrom, traceTo   = 3, 3 + 32
	parentFrom, parentTo = traceTo + 1, traceTo + 1 + 16
	flagsFrom, flagsTo   = parentTo + 1, parentTo + 1 + 2
)

// sampled reads a traceparent of version 00; ok says that it is valid and that the application samples the trace.
func sampled(header []byte) (trace, parent string, ok bool) {
	h := string(header)
	if len(h) != flagsTo || h[:traceFrom] != "00-" || h[traceTo] != '-' || h[parentTo] != '-' {
		return "", "", false
	}
	flags, err := hex.DecodeString(h[flagsFrom:flagsTo])
	trace, parent = h[traceFrom:traceTo], h[parentFrom:parentTo]
	if err != nil || !isID(trace) || !isID(parent) {
		return "", "", false
	}
	return trace, parent, flags[0]&1 == 1
}

// isID tells an id in lower case that is not all zeros.
func isID(s string) bool {
	zeros := true
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		zeros = zeros && c == '0'
	}
	return !zeros
}

// The parts of an OTLP request that we need, with the names of its JSON form.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope     `json:"scope"`
		Spans []encoded `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	encoded struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		ParentID   string      `json:"parentSpanId"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value text   `json:"value"`
	}
	text struct {
		StringValue string `json:"stringValue"`
	}
)

// kindProducer is SPAN_KIND_PRODUCER.
const kindProducer = 4

func (s *span) encode() encoded {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	begin := min(s.begin*int64(time.Millisecond), s.end.UnixNano())
	e := encoded{
		TraceID: s.trace, SpanID: hex.EncodeToString(id[:]), ParentID: s.parent, Name: "send " + s.topic, Kind: kindProducer,
		Start: strconv.FormatInt(begin, 10), End: strconv.FormatInt(s.end.UnixNano(), 10),
		Attributes: []attribute{
			named("messaging.system", "kafka"), named("messaging.operation.type", "send"), named("messaging.destination.name", s.topic),
			named("relay.position", s.position.String()),
		},
	}
	if s.id != "" {
		e.Attributes = append(e.Attributes, named("messaging.message.id", s.id))
	}
	return e
}

func named(key, value string) attribute { return attribute{key, text{value}} }
