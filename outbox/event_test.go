package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

// refusals are events with one mistake each. table says whether the table would refuse them as well: what it would not
// is a mistake of the caller that only Emit can see.
func refusals() []refusal {
	x := func(n int) string { return strings.Repeat("x", n) }
	payload := func(s string) func(*outbox.Event) {
		return func(e *outbox.Event) { e.Payload = json.RawMessage(s) }
	}
	header := func(name, value string) func(*outbox.Event) {
		return func(e *outbox.Event) { e.Headers = map[string]string{"good": "1", name: value} }
	}
	return []refusal{
		{"no aggregate type", func(e *outbox.Event) { e.AggregateType = "" }, outbox.ReasonBadName, "aggregate_type has 0 bytes", true},
		{"aggregate type with a blank", func(e *outbox.Event) { e.AggregateType = "a b" }, outbox.ReasonBadName, "aggregate_type has other characters", true},
		{"aggregate type too long", func(e *outbox.Event) { e.AggregateType = x(201) }, outbox.ReasonBadName, "201 bytes, from 1 to 200", true},
		{"no aggregate id", func(e *outbox.Event) { e.AggregateID = "" }, outbox.ReasonBadName, "aggregate_id has 0 bytes", true},
		{"aggregate id too long", func(e *outbox.Event) { e.AggregateID = x(1025) }, outbox.ReasonBadName, "1025", true},
		{"aggregate id with NUL", func(e *outbox.Event) { e.AggregateID = "a\x00" }, outbox.ReasonBadName, "NUL", true},
		{"aggregate id not UTF-8", func(e *outbox.Event) { e.AggregateID = "a\xff" }, outbox.ReasonBadName, "aggregate_id is not UTF-8", true},
		{"no type", func(e *outbox.Event) { e.Type = "" }, outbox.ReasonBadName, "event_type has 0 bytes", true},
		{"type with a newline", func(e *outbox.Event) { e.Type = "a\n" }, outbox.ReasonBadName, "event_type has control", true},
		{"topic with a slash", func(e *outbox.Event) { e.Topic = "a/b" }, outbox.ReasonBadTopic, `"a/b"`, true},
		{"topic too long", func(e *outbox.Event) { e.Topic = x(250) }, outbox.ReasonBadTopic, "250", true},
		{"topic of Kafka", func(e *outbox.Event) { e.Topic = "__consumer_offsets" }, outbox.ReasonForbiddenTopic, "Kafka's own", true},
		{"checkpoint topic", func(e *outbox.Event) { e.Topic = "relay.checkpoints.shop" }, outbox.ReasonForbiddenTopic, "Relay's own", true},
		{"no payload", func(e *outbox.Event) { e.Payload = nil }, outbox.ReasonBadPayload, "Tombstone", false},
		{"two payloads", func(e *outbox.Event) { e.Bytes = []byte{} }, outbox.ReasonBadPayload, "both Payload and Bytes", true},
		{"tombstone with a payload", func(e *outbox.Event) { e.Tombstone = true }, outbox.ReasonBadPayload, "tombstone", false},
		{"empty JSON", payload(""), outbox.ReasonBadPayload, "not valid JSON", true},
		{"JSON cut off", payload(`{"card": "4929-secret"`), outbox.ReasonBadPayload, "not valid JSON", true},
		{"two JSON values", payload(`{} 4929-secret`), outbox.ReasonBadPayload, "behind its JSON value", true},
		{"JSON not UTF-8", payload("\"4929-secret\xff\""), outbox.ReasonBadPayload, "UTF-8", true},
		{"payload too large", payload(`"` + x(outbox.MaxPayloadBytes-1) + `"`), outbox.ReasonBadPayload, "1000001", true},
		{"header of Relay", header("Relay-Seq", "4929-secret"), outbox.ReasonForgedHeader, `"Relay-Seq"`, true},
		{"header id", header("id", "4929-secret"), outbox.ReasonForgedHeader, `"id"`, true},
		{"header with NUL", header("card", "4929-secret\x00"), outbox.ReasonBadHeaders, `"card"`, true},
		{"header not UTF-8", header("card", "4929-secret\xff"), outbox.ReasonBadHeaders, `"card"`, true},
		{"headers too large", header("card", strings.Repeat("\n", 16372)), outbox.ReasonBadHeaders, "32769", true},
		{"before 1970", func(e *outbox.Event) { e.OccurredAt = time.Unix(-1, 0) }, outbox.ReasonBadTimestamp, "1969-12-31T23:59:59Z", true},
		{"the year 10000", func(e *outbox.Event) { e.OccurredAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, outbox.ReasonBadTimestamp, "10000", true},
	}
}

type refusal struct {
	name   string
	spoil  func(*outbox.Event)
	reason outbox.Reason
	detail string
	table  bool
}

func (r refusal) event() outbox.Event {
	e := outbox.Event{AggregateType: "a", AggregateID: "b", Type: "c", Payload: json.RawMessage("{}")}
	r.spoil(&e)
	return e
}

func TestEmitRefuses(t *testing.T) {
	good := refusal{spoil: func(*outbox.Event) {}}.event()
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, outbox.Emitter{}, tt, good, good, tt.event(), good)
		})
	}
	for _, tt := range []refusal{
		{"version", func(e *outbox.Event) { e.AggregateVersion = 1 }, outbox.ReasonBadFrame, "AggregateVersion", false},
		{"time", func(e *outbox.Event) { e.OccurredAt = time.Now() }, outbox.ReasonBadFrame, "OccurredAt", false},
	} {
		t.Run("in a message "+tt.name, func(t *testing.T) {
			wantRefusal(t, outbox.Emitter{WALMessages: walPrefix}, tt, good, good, tt.event())
		})
	}
}

// wantRefusal expects that the event at 2 is refused, without a round trip.
func wantRefusal(t *testing.T, emitter outbox.Emitter, want refusal, events ...outbox.Event) {
	t.Helper()
	tx := new(countingTx)
	err := emitter.Emit(t.Context(), tx, events...)
	refused, ok := errors.AsType[*outbox.EventError](err)
	if !ok {
		t.Fatalf("error is %v, want an EventError", err)
	}
	if refused.Index != 2 || refused.Reason != want.reason || !strings.Contains(refused.Detail, want.detail) {
		t.Errorf("error is %q, want %q in event 2 (%s)", err, want.detail, want.reason)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows what is secret: %s", err)
	}
	if len(tx.statements) != 0 {
		t.Error("something was sent")
	}
}

// TestTableRefusesTheSame sends what Emit refuses past it, straight to the table; at the limits, both accept.
func TestTableRefusesTheSame(t *testing.T) {
	db := newDatabase(t, "")
	conn := must(pgx.Connect(t.Context(), db.url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, tt := range refusals() {
		if !tt.table {
			continue
		}
		if err := insertPlainly(t, conn, tt.event()); err == nil {
			t.Errorf("%s: the table accepts it", tt.name)
		}
	}
	limit := outbox.Event{
		AggregateType: strings.Repeat("x", 200), AggregateID: strings.Repeat("é", 512), Type: strings.Repeat("x", 255), Topic: strings.Repeat("x", 249),
		Payload: json.RawMessage(`"` + strings.Repeat("x", outbox.MaxPayloadBytes-2) + `"`),
		Headers: map[string]string{"good": "1", "card": strings.Repeat("\n", 16371) + "x"}, OccurredAt: time.Unix(0, 0),
	}
	inPgx(t, db.url, func(tx outbox.Tx) { check(t, outbox.Emit(t.Context(), tx, limit)) })
	limit.Headers["card"] += "x"
	if err := outbox.Emit(t.Context(), new(countingTx), limit); err == nil {
		t.Error("the limit of headers is not where the test believes")
	}
	if err := insertPlainly(t, conn, limit); err == nil {
		t.Error("the table's limit of headers is not where Emit's is")
	}
}

func insertPlainly(t *testing.T, conn *pgx.Conn, e outbox.Event) error {
	t.Helper()
	headers := "{"
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		headers += strconv.Quote(name) + ":" + strings.ReplaceAll(strconv.Quote(e.Headers[name]), `\x00`, `\u0000`) + ","
	}
	headers = strings.TrimSuffix(headers, ",") + "}"
	var payload, payloadBytes, topic, at any
	if e.Payload != nil {
		payload = string(e.Payload)
	}
	if e.Bytes != nil {
		payloadBytes = e.Bytes
	}
	if e.Topic != "" {
		topic = e.Topic
	}
	if !e.OccurredAt.IsZero() {
		at = e.OccurredAt
	}
	_, err := conn.Exec(t.Context(), `SELECT outbox.emit($1, $2, $3, $4, $5, $6, payload_bytes => $7, occurred_at => $8)`,
		e.AggregateType, e.AggregateID, e.Type, payload, headers, topic, payloadBytes, at)
	return err
}

// TestMessagesAreWhatTheMapperReads: whatever Emit does not refuse becomes the record that it says.
func TestMessagesAreWhatTheMapperReads(t *testing.T) {
	cfg := outbox.Defaults()
	cfg.WALMessages = walPrefix
	m := must(outbox.NewMapper(cfg))(t)
	rapid.Check(t, func(t *rapid.T) {
		e := outbox.Event{
			AggregateType: rapid.StringMatching(`[a-z._-]{0,5}`).Draw(t, "aggregate type"), AggregateID: rapid.String().Draw(t, "aggregate id"),
			Type: rapid.String().Draw(t, "type"), Topic: rapid.StringMatching(`[a-z._-]{0,5}`).Draw(t, "topic"),
			Headers: rapid.MapOfN(rapid.String(), rapid.String(), 0, 4).Draw(t, "headers"),
			Bytes:   rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
		}
		var sent capturingTx
		if err := (outbox.Emitter{WALMessages: walPrefix}).Emit(context.Background(), &sent, e); err != nil {
			return
		}
		var b outbox.Batch
		if err := m.MapMessage(sent.message, outbox.Transaction{}, 0, &b); err != nil {
			t.Fatalf("%q: %v", sent.message, err)
		}
		got := recordsOf(&b)[0]
		if got.Key != e.AggregateID || got.Value != string(e.Bytes) || got.Null || got.Headers["type"] != e.Type {
			t.Fatalf("%q becomes %v", sent.message, got)
		}
		delete(got.Headers, "type")
		if !maps.Equal(got.Headers, e.Headers) {
			t.Fatalf("headers become %v", got.Headers)
		}
	})
}

// capturingTx keeps the message that Emit sends.
type capturingTx struct{ message []byte }

func (tx *capturingTx) Exec(_ context.Context, _ string, args ...any) (int64, error) {
	tx.message = args[1].([]byte)
	return 1, nil
}
