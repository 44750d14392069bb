package inbox_test

import (
	"context"
	"log"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/outbox/inbox"
)

// What came with the record: its key, its value, and the header id.
const (
	account = "acc_1"
	amount  = "12.30"
	id      = "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01"
)

// However often Kafka delivers the event, it is booked once.
func ExampleOnce() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	for range 2 {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			return inbox.Once(ctx, outbox.Pgx(tx), "billing", id, func(ctx context.Context) error {
				_, err := tx.Exec(ctx, `UPDATE account SET balance = balance + $2 WHERE id = $1`, account, amount)
				return err
			})
		})
		if err != nil {
			log.Fatal(err)
		}
	}
}

// The same without a row for each event, for a consumer that handles the records of a partition in their order.
func ExampleOnceBySeq() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	at := inbox.Place{Topic: "payment.events", Partition: 3, Seq: "shop/1795507200123/17"} // Seq is the header relay-seq
	for range 2 {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			return inbox.OnceBySeq(ctx, outbox.Pgx(tx), "billing", at, func(ctx context.Context) error {
				_, err := tx.Exec(ctx, `UPDATE account SET balance = balance + $2 WHERE id = $1`, account, amount)
				return err
			})
		})
		if err != nil {
			log.Fatal(err)
		}
	}
}

// TestExamples runs them on a real server: an example has no test that could give it one.
func TestExamples(t *testing.T) {
	url := newInbox(t, "", `CREATE TABLE account AS SELECT 'acc_1' AS id, 0.00 AS balance`, `GRANT SELECT, UPDATE ON account TO PUBLIC`)
	t.Setenv("DATABASE_URL", url)
	ExampleOnce()
	ExampleOnceBySeq()
	var balance string
	check(t, connect(t, url).QueryRow(t.Context(), `SELECT balance::text FROM account`).Scan(&balance))
	if balance != "24.60" {
		t.Errorf("the balance is %s, want 24.60: each example books once", balance)
	}
}
