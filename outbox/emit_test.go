package outbox_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/outbox-relay/relay/outbox"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// awkward are events with all that quoting, arrays and JSON could break, and the records that they are to become.
func awkward() ([]outbox.Event, []record) {
	const quoting = `"NULL", \ 'a' {b} $1 ; é 💶` + "\n\t\x7f"
	tests := []struct {
		event outbox.Event
		want  record
	}{
		{
			outbox.Event{Payload: json.RawMessage(`{"amount": 12.30, "n":1e3,  "z":0,"a":"\u0000\\"}`)},
			record{Value: `{"amount": 12.30, "n":1e3,  "z":0,"a":"\u0000\\"}`},
		},
		{outbox.Event{Payload: json.RawMessage("null")}, record{Value: "null"}},
		{outbox.Event{Payload: json.RawMessage("[1]"), Topic: "audit"}, record{Topic: "audit", Value: "[1]"}},
		{outbox.Event{Tombstone: true}, record{Null: true}},
		{outbox.Event{Bytes: []byte{}}, record{}},
		{outbox.Event{Bytes: []byte("\x00\xff\n\\x")}, record{Value: "\x00\xff\n\\x"}},
		{outbox.Event{AggregateID: quoting, Type: `"NULL" é\`, Bytes: []byte(quoting)}, record{Key: quoting, Value: quoting, Headers: map[string]string{"type": `"NULL" é\`}}},
		{outbox.Event{AggregateID: "NULL", Bytes: []byte("NULL")}, record{Key: "NULL", Value: "NULL"}},
		{
			outbox.Event{Tombstone: true, Headers: map[string]string{"a": "1", quoting: quoting + "\x01\x1f", "": ""}},
			record{Null: true, Headers: map[string]string{"a": "1", quoting: quoting + "\x01\x1f", "": ""}},
		},
		{
			outbox.Event{Payload: json.RawMessage(`"` + strings.Repeat("é", 499_999) + `"`)},
			record{Value: `"` + strings.Repeat("é", 499_999) + `"`},
		},
	}
	events, want := make([]outbox.Event, len(tests)), make([]record, len(tests))
	for i, tt := range tests {
		e, w := tt.event, tt.want
		setDefault(&e.AggregateType, "payment")
		setDefault(&e.AggregateID, "pay_8812")
		setDefault(&e.Type, "PaymentBooked")
		setDefault(&w.Topic, "payment.events")
		setDefault(&w.Key, "pay_8812")
		if w.Headers == nil {
			w.Headers = map[string]string{}
		}
		if w.Headers["type"] == "" {
			w.Headers["type"] = "PaymentBooked"
		}
		events[i], want[i] = e, w
	}
	return events, want
}

func setDefault(s *string, to string) {
	if *s == "" {
		*s = to
	}
}

// TestEmit writes the same events through each driver, to the table and as WAL messages, one at a time and all at once,
// and compares what the relay makes of them.
func TestEmit(t *testing.T) {
	db := newDatabase(t, "")
	events, want := awkward()
	for name, in := range drivers() {
		for target, emitter := range map[string]outbox.Emitter{"table": {}, "message": {WALMessages: walPrefix}} {
			t.Run(name+" "+target, func(t *testing.T) {
				in(t, db, func(tx outbox.Tx) {
					for _, e := range events {
						check(t, emitter.Emit(t.Context(), tx, e))
					}
					check(t, emitter.Emit(t.Context(), tx, events...))
				})
				if diff := cmp.Diff(append(want, want...), db.records(t)); diff != "" {
					t.Errorf("(-want +got):\n%.4000s", diff)
				}
			})
		}
	}
}

// TestEmitFillsTheRow is about the columns that do not show in a record.
func TestEmitFillsTheRow(t *testing.T) {
	const schema = "Événements order"
	db := newDatabase(t, schema)
	event := outbox.Event{
		ID: outbox.NewID(), AggregateType: "payment", AggregateID: "1", Type: "Booked", Tombstone: true, AggregateVersion: 7,
		OccurredAt: time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 3600)),
	}
	inPgx(t, db.url, func(tx outbox.Tx) {
		emitter := outbox.Emitter{Schema: schema}
		check(t, emitter.Emit(t.Context(), tx, event))
		check(t, emitter.Emit(t.Context(), tx, event, event))
	})
	rows := must(db.conn.Query(t.Context(), `SELECT id::text, aggregate_version, occurred_at FROM "`+schema+`".event`))(t)
	type row struct {
		ID         string
		Version    int64
		OccurredAt time.Time
	}
	got := must(pgx.CollectRows(rows, pgx.RowToStructByPos[row]))(t)
	want := row{event.ID.String(), 7, event.OccurredAt}
	if diff := cmp.Diff([]row{want, want, want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmitTakesOneRoundTrip(t *testing.T) {
	events, _ := awkward()
	for _, n := range []int{0, 1, len(events)} {
		for _, emitter := range []outbox.Emitter{{}, {WALMessages: walPrefix}} {
			tx := &countingTx{rows: int64(n)}
			check(t, emitter.Emit(t.Context(), tx, events[:n]...))
			if want := min(n, 1); len(tx.statements) != want {
				t.Errorf("%d events take %d statements, want %d", n, len(tx.statements), want)
			}
		}
	}
}

// TestStatementsStayTheSame: a driver that prepares statements by their text prepares these once.
func TestStatementsStayTheSame(t *testing.T) {
	events, _ := awkward()
	tx := new(countingTx)
	for n := 2; n < len(events); n++ {
		tx.rows = int64(n)
		check(t, outbox.Emit(t.Context(), tx, events[:n]...))
		if tx.statements[n-2] != tx.statements[0] {
			t.Errorf("%d events have another statement", n)
		}
	}
}

func TestEmitSaysWhenRowsGoAstray(t *testing.T) {
	events, _ := awkward()
	err := outbox.Emit(t.Context(), &countingTx{rows: 1}, events[:2]...)
	if err == nil || !strings.Contains(err.Error(), "emit 2 events: 1 were written") {
		t.Errorf("error is %v", err)
	}
}

type countingTx struct {
	statements []string
	rows       int64
}

func (tx *countingTx) Exec(_ context.Context, statement string, _ ...any) (int64, error) {
	tx.statements = append(tx.statements, statement)
	return tx.rows, nil
}

func TestRolledBackEventsAreNotPublished(t *testing.T) {
	db := newDatabase(t, "")
	conn := must(pgx.Connect(t.Context(), db.url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	tx := must(conn.Begin(t.Context()))(t)
	event := outbox.Event{AggregateType: "a", AggregateID: "b", Type: "c", Tombstone: true}
	check(t, outbox.Emit(t.Context(), outbox.Pgx(tx), event, event))
	check(t, outbox.Emitter{WALMessages: walPrefix}.Emit(t.Context(), outbox.Pgx(tx), event))
	check(t, tx.Rollback(t.Context()))
	if got := db.records(t); len(got) != 0 {
		t.Errorf("published: %v", got)
	}
}

// TestOnlyTransactionsFit: what commits by itself is refused by the compiler.
func TestOnlyTransactionsFit(t *testing.T) {
	pgxTx, sqlTx := reflect.TypeFor[outbox.PgxTx[pgconn.CommandTag]](), reflect.TypeFor[outbox.SQLTx[sql.Result]]()
	for _, tt := range []struct {
		typ, of reflect.Type
		want    bool
	}{
		{reflect.TypeFor[pgx.Tx](), pgxTx, true},
		{reflect.TypeFor[*pgxpool.Tx](), pgxTx, true},
		{reflect.TypeFor[*pgx.Conn](), pgxTx, false},
		{reflect.TypeFor[*pgxpool.Conn](), pgxTx, false},
		{reflect.TypeFor[*pgxpool.Pool](), pgxTx, false},
		{reflect.TypeFor[*sql.Tx](), sqlTx, true},
		{reflect.TypeFor[*sql.DB](), sqlTx, false},
		{reflect.TypeFor[*sql.Conn](), sqlTx, false},
	} {
		if got := tt.typ.Implements(tt.of); got != tt.want {
			t.Errorf("%s passes for a transaction: %t, want %t", tt.typ, got, tt.want)
		}
	}
}
