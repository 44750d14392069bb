package migrations

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/outbox"
)

// testRefusedRows is about rows that no relay could publish: the error names the rule and does not show the row.
func testRefusedRows(t *testing.T, db *database) {
	tests := []struct {
		name, columns, values string
		code, words           string
	}{
		{"aggregate_type NULL", "aggregate_type", "NULL", notNullViolation, "domain outbox.aggregate_type"},
		{"aggregate_type with a blank", "aggregate_type", "'a b'", checkViolation, "domain outbox.aggregate_type"},
		{"aggregate_type with a line", "aggregate_type", "E'a\n'", checkViolation, "domain outbox.aggregate_type"},
		{"aggregate_id NULL", "aggregate_id", "NULL", notNullViolation, "domain outbox.aggregate_id"},
		{"aggregate_id too long", "aggregate_id", "repeat('é', 513)", checkViolation, "domain outbox.aggregate_id"},
		{"event_type NULL", "event_type", "NULL", notNullViolation, "domain outbox.event_type"},
		{"event_type with a tab", "event_type", `E'a\tb'`, checkViolation, "domain outbox.event_type"},
		{"topic with a slash", "topic", "'a/b'", checkViolation, "domain outbox.topic"},
		{"topic of Kafka", "topic", "'__consumer_offsets'", checkViolation, "domain outbox.topic"},
		{"checkpoint topic", "topic", "'relay.checkpoints.shop'", checkViolation, "domain outbox.topic"},
		{"id NULL", "id", "NULL", checkViolation, "id is NULL"},
		{"two payloads", "payload_bytes", `'\x00'`, checkViolation, "payload and payload_bytes are both set"},
		{"headers are an array", "headers", "'[]'", checkViolation, "headers are not an object"},
		{"headers are null", "headers", "'null'", checkViolation, "headers are not an object"},
		{"headers too large", "headers", `jsonb_build_object('k', repeat('x', 32768))`, checkViolation, "32768"},
		{"headers that grow as text", "headers", `'{"k": 1e40000}'`, checkViolation, "32768"},
		{"header of the publisher", "headers", `'{"relay-seq": "x"}'`, checkViolation, "names of headers that Relay writes"},
		{"header id", "headers", `'{"a": 1, "id": "x"}'`, checkViolation, "names of headers that Relay writes"},
		{"header type", "headers", `'{"type": null}'`, checkViolation, "names of headers that Relay writes"},
		{"infinite time", "occurred_at", "'infinity'", checkViolation, "occurred_at"},
		{"time before 1970", "occurred_at", "'1969-12-31 23:59:59.999+00'", checkViolation, "occurred_at"},
		{"time ahead", "occurred_at", "now() + interval '61 minutes'", checkViolation, "occurred_at"},
	}
	app := db.connect(t, db.app)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := map[string]string{"aggregate_type": "'a'", "aggregate_id": "'b'", "event_type": "'c'", "payload": "$1"}
			row[tt.columns] = tt.values
			var columns, values []string
			for c, v := range row {
				columns, values = append(columns, c), append(values, v)
			}
			wantRefused(t, app, tt.code, tt.words, fmt.Sprintf("INSERT INTO outbox.event (%s) VALUES (%s)",
				strings.Join(columns, ", "), strings.Join(values, ", ")), withSecret(100))
		})
	}
	wantRefused(t, app, checkViolation, "more than 1000000 bytes",
		`SELECT outbox.emit('a', 'b', 'c', $1)`, withSecret(outbox.MaxPayloadBytes+1))
	wantRefused(t, app, checkViolation, "more than 1000000 bytes",
		`SELECT outbox.emit('a', 'b', 'c', payload_bytes => convert_to($1, 'UTF8'))`, withSecret(outbox.MaxPayloadBytes+1))
	wantRefused(t, app, notNullViolation, "domain outbox.event_type",
		`INSERT INTO outbox.event (aggregate_type, aggregate_id, payload) VALUES ('a', 'b', $1)`, withSecret(100))
	if got := query(t, db.superuser(t), `SELECT count(*) FROM outbox.event`); got != "0" {
		t.Errorf("%s rows came in", got)
	}
}

// TestTableAndFrameHaveTheSameRules gives the same events to the table and, as WAL messages, to the mapper: one accepts
// what the other accepts.
func TestTableAndFrameHaveTheSameRules(t *testing.T) {
	type event struct {
		V             int             `json:"v"`
		ID            string          `json:"id"`
		AggregateType string          `json:"aggregate_type"`
		AggregateID   string          `json:"aggregate_id"`
		EventType     string          `json:"event_type"`
		Headers       json.RawMessage `json:"headers,omitempty"`
		Topic         *string         `json:"topic,omitempty"`
		payload       string
	}
	good := event{V: 1, ID: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01", AggregateType: "a", AggregateID: "b", EventType: "c", payload: "{}"}
	var events []event
	vary := func(change func(e *event, s string), samples ...string) {
		for _, s := range samples {
			e := good
			change(&e, s)
			events = append(events, e)
		}
	}
	x := func(n int) string { return strings.Repeat("x", n) }
	vary(func(e *event, s string) { e.AggregateType = s },
		"", "a", "A.b_c-9", ".", "..", "...", "_", "__", "__a", "a__", "a b", "a\n", "é", "a/b", x(200), x(201))
	vary(func(e *event, s string) { e.AggregateID = s }, "", " ", "é\n\t", x(1024), x(1025), strings.Repeat("é", 512), strings.Repeat("é", 513))
	vary(func(e *event, s string) { e.EventType = s },
		"", " ", "com.acme/Event v1", "é", "a\x01", "a\x1f", "a\x7f", "a\n", x(255), x(256), strings.Repeat("é", 128))
	vary(func(e *event, s string) { e.Topic = &s },
		"", "a", ".", "..", "__a", "_a", "a b", "relay.checkpoints", "relay.checkpoints.x", "relay.checkpoints2", "relay.parked.x", "relay.other", x(249), x(250))
	vary(func(e *event, s string) { e.Headers = json.RawMessage(s) },
		`{}`, `[]`, `"x"`, `1`, `{"k":{"a":[1]}}`, `{"relay-seq":1}`, `{"relay-":1}`, `{"relay":1}`, `{"id":1}`, `{"ID":1}`, `{"type":1}`, `{"a":1,"type":1}`, `{"":1}`)
	vary(func(e *event, s string) { e.payload = s }, `"`+x(999_998)+`"`, `"`+x(999_999)+`"`)
	vary(func(e *event, s string) { e.ID = s }, "0197A5B2-6C1E-7D11-9F5E-0D2C5A3B7F01", "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f0g")

	cfg := outbox.Defaults()
	cfg.WALMessages, cfg.ReservedTopics = "outbox", []string{"relay.checkpoints", "relay.parked"}
	mapper, err := outbox.NewMapper(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := migrated(t, 0)
	app := db.connect(t, db.app)
	accepted := 0
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var b outbox.Batch
		byFrame := mapper.MapMessage(append(append(line, '\n'), e.payload...), outbox.Transaction{}, 0, &b)
		byTable := insert(t, app, e.ID, e.AggregateType, e.AggregateID, e.EventType, e.payload, string(e.Headers), e.Topic)
		if (byFrame == nil) != (byTable == nil) {
			t.Errorf("%.200s\nthe frame says %v\nthe table says %v", line, byFrame, byTable)
		}
		if byTable == nil {
			accepted++
		}
	}
	if accepted == 0 || accepted == len(events) {
		t.Errorf("%d of %d events were accepted: the samples prove nothing", accepted, len(events))
	}
}

// insert gives the server's refusal, if any.
func insert(t *testing.T, conn *pgx.Conn, id, aggregateType, aggregateID, eventType, payload, headers string, topic *string) error {
	t.Helper()
	_, err := conn.Exec(t.Context(), `INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type, payload, headers, topic)
		VALUES ($1::text::uuid, $2, $3, $4, $5::text::json, nullif($6, '')::jsonb, $7)`, id, aggregateType, aggregateID, eventType, payload, headers, topic)
	if _, ok := errors.AsType[*pgconn.PgError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return err
}
