package cleanup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/outbox"
)

// scan reads a whole partition. end is where the WAL is inserted after it: what it saw was committed before.
func scan(ctx context.Context, conn *pgx.Conn, p partition) (r rows, end outbox.LSN, err error) {
	var oldest, youngest time.Time
	err = conn.QueryRow(ctx, "SELECT count(*), "+finite("min(created_at)")+", "+finite("max(created_at)")+" FROM ONLY "+p.name).
		Scan(&r.count, &oldest, &youngest)
	if err != nil {
		return r, 0, fmt.Errorf("scan %s: %w", p.name, err)
	}
	if r.count > 0 {
		r.oldest, r.youngest = oldest, youngest
	}
	end, err = insertLSN(ctx, conn)
	return r, end, err
}

// firstRow is the created_at of the row that lies first in the partition, which is about its oldest; zero without rows.
func firstRow(ctx context.Context, conn *pgx.Conn, p partition) (time.Time, error) {
	answer, err := conn.Query(ctx, "SELECT "+finite("created_at")+" FROM ONLY "+p.name+" LIMIT 1")
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the first row of %s: %w", p.name, err)
	}
	first, err := pgx.CollectRows(answer, pgx.RowTo[time.Time])
	if err != nil || len(first) == 0 {
		return time.Time{}, err
	}
	return first[0], nil
}

// finite is SQL for a time that Go can hold: infinity becomes a year as far away.
func finite(timestamp string) string {
	return "greatest(least(" + timestamp + ", '9999-12-31 00:00:00+00'), '0001-01-01 00:00:00+00')"
}

func insertLSN(ctx context.Context, conn *pgx.Conn) (outbox.LSN, error) {
	var text string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		return 0, fmt.Errorf("ask where the WAL is inserted: %w", err)
	}
	return outbox.ParseLSN(text)
}
