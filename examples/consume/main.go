// Command consume books payments from Kafka into the accounts of its own database, each once. It may be killed at any
// moment. It reads DATABASE_URL, KAFKA (brokers), TOPIC, GROUP, INSTANCE and INBOX (id or seq) from its environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/outbox/inbox"
)

// consumer is the name in the inbox: another one would book everything again.
const consumer = "billing"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA"), ",")...),
		kgo.ConsumeTopics(os.Getenv("TOPIC")),
		kgo.ConsumerGroup(os.Getenv("GROUP")),
		kgo.InstanceID(os.Getenv("INSTANCE")), // a restarted instance gets its partitions back at once
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // the default is uncommitted: events that were never published
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer kafka.Close()
	for {
		fetches := kafka.PollRecords(ctx, 100)
		if err := fetches.Err(); err != nil {
			return err
		}
		records := fetches.Records()
		for _, r := range records {
			if err := book(ctx, conn, r); err != nil {
				return fmt.Errorf("book %s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
			}
		}
		// After the bookings. Whoever is killed before it reads these records again, and the inbox knows them.
		if err := kafka.CommitRecords(ctx, records...); err != nil {
			return err
		}
	}
}

func book(ctx context.Context, conn *pgx.Conn, r *kgo.Record) error {
	var payment struct{ Account, Amount string }
	if err := json.Unmarshal(r.Value, &payment); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		handle := func(ctx context.Context) error {
			_, err := tx.Exec(ctx, `INSERT INTO account AS a (id, balance, bookings) VALUES ($1, $2, 1)
				ON CONFLICT (id) DO UPDATE SET balance = a.balance + excluded.balance, bookings = a.bookings + 1`,
				payment.Account, payment.Amount)
			return err
		}
		if os.Getenv("INBOX") == "seq" {
			at := inbox.Place{Topic: r.Topic, Partition: r.Partition, Seq: header(r, "relay-seq")}
			return inbox.OnceBySeq(ctx, outbox.Pgx(tx), consumer, at, handle)
		}
		return inbox.Once(ctx, outbox.Pgx(tx), consumer, header(r, "id"), handle)
	})
}

// header is "" where there is none.
func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
