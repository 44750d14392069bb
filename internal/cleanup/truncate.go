package cleanup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/outbox"
)

// The transaction that frees a partition holds, or waits for, a lock for at most lock_timeout in all. That must not rest
// on this process, which may be frozen or cut off: the server ends each part by itself. Three quarters are for getting the
// first lock and for the checkpoint to come: lock_timeout and statement_timeout bound the one, and what the lock has left
// of them becomes idle_in_transaction_session_timeout for the other. The last quarter is the statement_timeout of
// TRUNCATE and COMMIT, which wait for nobody.
//
// The first lock, SHARE ROW EXCLUSIVE, keeps writers out and lets readers in, and writes no WAL of its own that the
// checkpoint would have to pass. The one that TRUNCATE needs is asked for with NOWAIT: to wait for a reader that then
// wants to write would be a deadlock, which might hit the application.

// lockNotAvailable, queryCanceled and idleInTransaction are the SQLSTATEs of what comes too late.
const (
	lockNotAvailable  = "55P03"
	queryCanceled     = "57014"
	idleInTransaction = "25P03"
)

// truncation is one attempt to free a scanned partition.
type truncation struct {
	partition partition
	scanned   rows
	limit     time.Duration // of everything from the first request for a lock to the commit
	progress  Progress
	at        func(stage) // a test does harm here
}

// stage is a moment inside the transaction.
type stage string

const (
	stageLocked  stage = "locked"  // writers are kept out
	stageCovered stage = "covered" // the checkpoint has passed what they wrote
)

// run frees the partition, or says why not; then nothing has changed. After an error the connection is of no use, and
// the partition may be freed or not.
func (t truncation) run(ctx context.Context, conn *pgx.Conn) (*kept, error) {
	if err := t.begin(ctx, conn); err != nil {
		return nil, err
	}
	until := time.Now().Add(t.waiting())
	why, err := t.cover(ctx, conn, until)
	if why != nil || err != nil {
		return t.rollback(ctx, conn, why, err)
	}
	t.at(stageCovered)
	_, err = conn.PgConn().Exec(ctx, fmt.Sprintf("LOCK TABLE ONLY %[1]s IN ACCESS EXCLUSIVE MODE NOWAIT; TRUNCATE ONLY %[1]s; COMMIT", t.partition.name)).ReadAll()
	if err != nil {
		return t.rollback(ctx, conn, nil, fmt.Errorf("truncate %s: %w", t.partition.name, err))
	}
	return nil, nil
}

// waiting is the part of the limit that may pass before TRUNCATE.
func (t truncation) waiting() time.Duration { return t.limit / 4 * 3 }

// begin starts the transaction. It does not wait for synchronous standbys at its end, for it would with the lock held;
// rows that a fail-over brings back are freed again.
func (t truncation) begin(ctx context.Context, conn *pgx.Conn) error {
	ms := t.waiting().Milliseconds()
	_, err := conn.PgConn().Exec(ctx, fmt.Sprintf(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = %[1]d; SET LOCAL statement_timeout = %[1]d;
SET LOCAL idle_in_transaction_session_timeout = %[1]d; SET LOCAL synchronous_commit = local`, ms)).ReadAll()
	if err != nil {
		return fmt.Errorf("begin to truncate %s: %w", t.partition.name, err)
	}
	return nil
}

// cover locks writers out and waits until the durable checkpoint covers everything that they wrote.
func (t truncation) cover(ctx context.Context, conn *pgx.Conn, until time.Time) (*kept, error) {
	end, added, err := t.lock(ctx, conn)
	if err != nil {
		return nil, err
	}
	t.at(stageLocked)
	if added {
		return keep(keptChanged, "rows were added while it was looked at"), nil
	}
	covered, err := wait(ctx, time.Until(until), t.progress.reaches(end))
	if !covered && err == nil {
		return keep(keptCheckpoint, "the checkpoint did not reach %s under the lock", end), nil
	}
	return nil, err
}

// lock gives, under the lock, where the WAL is inserted, and whether rows were added since the scan: that there are more
// pages, or a younger row in what was the last one. 291 rows, at least 28 bytes each, fit into a page of 8 KiB.
func (t truncation) lock(ctx context.Context, conn *pgx.Conn) (end outbox.LSN, added bool, err error) {
	waits, last := t.waiting().Milliseconds(), (t.limit - t.waiting()).Milliseconds()
	results, err := conn.PgConn().Exec(ctx, fmt.Sprintf(`LOCK TABLE ONLY %[1]s IN SHARE ROW EXCLUSIVE MODE;
SELECT pg_current_wal_insert_lsn(), pg_relation_size(%[2]d) / current_setting('block_size')::int <> %[3]d
 OR EXISTS (SELECT FROM ONLY %[1]s WHERE created_at > '%[4]s' AND ctid = ANY (ARRAY(
  SELECT format('(%%s,%%s)', %[3]d - 1, i)::tid FROM generate_series(1, current_setting('block_size')::int / 28) i))),
 set_config('idle_in_transaction_session_timeout', greatest(1, %[5]d - ceil(extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000))::int::text, true),
 set_config('statement_timeout', '%[6]d', true)`, t.partition.name, t.partition.oid, t.partition.pages, t.youngest(), waits, last)).ReadAll()
	if err != nil {
		return 0, false, fmt.Errorf("lock %s: %w", t.partition.name, err)
	}
	row := results[len(results)-1].Rows[0]
	end, err = outbox.ParseLSN(string(row[0]))
	return end, string(row[1]) != "f", err
}

// youngest is the created_at, as SQL has it, that no row of the partition exceeded when it was scanned.
func (t truncation) youngest() string {
	if t.scanned.count == 0 {
		return "-infinity"
	}
	return t.scanned.youngest.UTC().Format("2006-01-02 15:04:05.999999+00")
}

// rollback ends the transaction without a change. What came too late is no error.
func (t truncation) rollback(ctx context.Context, conn *pgx.Conn, why *kept, cause error) (*kept, error) {
	if pg, ok := errors.AsType[*pgconn.PgError](cause); ok {
		switch pg.Code {
		case lockNotAvailable, queryCanceled:
			why, cause = keep(keptLocked, "it is locked"), nil
		case idleInTransaction:
			return keep(keptLocked, "the server ended the attempt because it took too long"), cause
		}
	}
	if conn.IsClosed() {
		return why, cause
	}
	_, err := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	return why, errors.Join(cause, err)
}
