package outbox_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/outbox"
)

// The event is written with the row that it tells of: both or neither.
func ExampleEmit() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO payment (id, amount) VALUES ('pay_8812', 12.30)`); err != nil {
			return err
		}
		return outbox.Emit(ctx, outbox.Pgx(tx), outbox.Event{
			AggregateType: "payment",
			AggregateID:   "pay_8812",
			Type:          "PaymentBooked",
			Payload:       json.RawMessage(`{"amount": 12.30}`),
		})
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleSQL() {
	ctx := context.Background()
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO payment (id, amount) VALUES ('pay_8813', 0.99)`); err != nil {
		log.Fatal(err)
	}
	err = outbox.Emit(ctx, outbox.SQL(tx), outbox.Event{
		AggregateType: "payment",
		AggregateID:   "pay_8813",
		Type:          "PaymentBooked",
		Payload:       json.RawMessage(`{"amount": 0.99}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
}

// Any number of events takes one round trip.
func ExampleEmit_batch() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	var events []outbox.Event
	for line := range 3 {
		events = append(events, outbox.Event{
			AggregateType: "order",
			AggregateID:   "ord_17",
			Type:          "LineAdded",
			Payload:       json.RawMessage(fmt.Sprintf(`{"line": %d}`, line+1)),
			OccurredAt:    time.Now(),
		})
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		return outbox.Emit(ctx, outbox.Pgx(tx), events...)
	})
	if err != nil {
		log.Fatal(err)
	}
}

// An Emitter with a prefix writes WAL messages. Relay publishes them when its configuration says
// "outbox: {wal_messages: outbox}".
func ExampleEmitter_walMessages() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	emitter := outbox.Emitter{WALMessages: "outbox"}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		return emitter.Emit(ctx, outbox.Pgx(tx), outbox.Event{
			AggregateType: "sensor",
			AggregateID:   "s-1",
			Type:          "Measured",
			Bytes:         []byte{0x08, 0x2A}, // Protobuf
		})
	})
	if err != nil {
		log.Fatal(err)
	}
}

// A mistake is found before anything is sent.
func ExampleEventError() {
	var tx pgx.Tx // not used: the event is refused
	err := outbox.Emit(context.Background(), outbox.Pgx(tx), outbox.Event{
		AggregateType: "payment order",
		AggregateID:   "pay_8812",
		Type:          "PaymentBooked",
		Payload:       json.RawMessage(`{}`),
	})
	var refused *outbox.EventError
	fmt.Println(errors.As(err, &refused))
	fmt.Println(err)
	// Output:
	// true
	// event 0 of the call: aggregate_type has other characters than letters, digits, dot, underscore and hyphen (bad_name)
}

// A request's trace goes on in the events that it causes.
func ExampleWithTraceparent() {
	handler := func(_ http.ResponseWriter, r *http.Request) {
		ctx := outbox.WithTraceparent(r.Context(), r.Header.Get("traceparent"), r.Header.Get("tracestate"))
		conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close(ctx)
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			return outbox.Emit(ctx, outbox.Pgx(tx), outbox.Event{
				AggregateType: "payment", AggregateID: "pay_8814", Type: "PaymentRefused", Tombstone: true,
			})
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	r, _ := http.NewRequest(http.MethodPost, "/payments", nil)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	handler(nil, r)
}

// TestExamples runs them on a real server: an example has no test that could give it one.
func TestExamples(t *testing.T) {
	db := newDatabase(t, "")
	t.Setenv("DATABASE_URL", db.url)
	must(db.conn.Exec(t.Context(), `CREATE TABLE payment (id text PRIMARY KEY, amount numeric);
		GRANT INSERT ON payment TO PUBLIC`))(t)
	ExampleEmit()
	ExampleSQL()
	ExampleEmit_batch()
	ExampleEmitter_walMessages()
	ExampleWithTraceparent()

	typed := func(name string) map[string]string { return map[string]string{"type": name} }
	want := []record{
		{Topic: "payment.events", Key: "pay_8812", Value: `{"amount": 12.30}`, Headers: typed("PaymentBooked")},
		{Topic: "payment.events", Key: "pay_8813", Value: `{"amount": 0.99}`, Headers: typed("PaymentBooked")},
		{Topic: "order.events", Key: "ord_17", Value: `{"line": 1}`, Headers: typed("LineAdded")},
		{Topic: "order.events", Key: "ord_17", Value: `{"line": 2}`, Headers: typed("LineAdded")},
		{Topic: "order.events", Key: "ord_17", Value: `{"line": 3}`, Headers: typed("LineAdded")},
		{Topic: "sensor.events", Key: "s-1", Value: "\x08\x2a", Headers: typed("Measured")},
		{Topic: "payment.events", Key: "pay_8814", Null: true, Headers: map[string]string{"type": "PaymentRefused", "traceparent": traceparent}},
	}
	if diff := cmp.Diff(want, db.records(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var booked int
	check(t, db.conn.QueryRow(t.Context(), `SELECT count(*) FROM payment`).Scan(&booked))
	if booked != 2 {
		t.Errorf("%d payments, want 2", booked)
	}
}
