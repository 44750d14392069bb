package relay

import (
	"context"
	"fmt"

	"github.com/outbox-relay/relay/migrations/check"
)

// warnForgeable warns when others than those who were granted it may write the WAL messages that are published: until
// EXECUTE is revoked from PUBLIC every role may, and nothing in a message tells who wrote it.
func (s *session) warnForgeable(ctx context.Context) error {
	if s.cfg.Outbox.WALMessages == "" {
		return nil
	}
	results, err := check.Run(ctx, s.side.PgConn(), check.Request{Names: []string{"wal_messages"}})
	if err != nil {
		return fmt.Errorf("ask who may write WAL messages: %w", err)
	}
	for _, r := range results {
		if !r.OK() {
			s.log.Warn("WAL messages can be forged", "object", r.Object, "problem", r.Problem, "sql", r.SQL)
		}
	}
	return nil
}
