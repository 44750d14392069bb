package relay

import (
	"context"
	"fmt"
	"time"
)

// beginning is a time, in milliseconds since the Unix epoch, by which nothing has begun yet: now by the database's clock
// or by ours, whichever is ahead. A transaction that begins later, as the database dates it, commits later.
func (s *session) beginning(ctx context.Context) (int64, error) {
	var database time.Time
	if err := s.side.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&database); err != nil {
		return 0, fmt.Errorf("ask the database's clock: %w", err)
	}
	return max(database.UnixMilli(), time.Now().UnixMilli()) + 1, nil
}
