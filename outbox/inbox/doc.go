// Package inbox lets a consumer handle each event once, although Kafka delivers some of them again: after a crash, after
// a rebalance, whenever the offset was not committed yet.
//
// The consumer notes in its own database, in the transaction that handles an event, that it has handled it:
//
//	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
//		return inbox.Once(ctx, outbox.Pgx(tx), "billing", id, func(ctx context.Context) error {
//			_, err := tx.Exec(ctx, `UPDATE account SET balance = balance + $1`, amount)
//			return err
//		})
//	})
//
// and commits the offset to Kafka after that. Note and work are there both or neither, and whoever comes second, at the
// same moment too, waits for the first and then finds the note.
//
// Once notes the event's id, a row for each event, to be deleted when Kafka no longer keeps it; the order of events is
// of no matter. OnceBySeq notes how far the consumer is in a partition, one row in all; it wants the records of a
// partition in their order. The tables are migrations inbox and inbox_progress (relay migrate print).
//
// A consumer reads with isolation.level read_committed, else it handles events that Relay has not published.
// What is done outside the database, a mail or a call, is not covered: it may happen again.
package inbox
