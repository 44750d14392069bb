package relay

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/cleanup"
)

// Cleanup says whether and when weekdays of the outbox table are freed. The zero value frees nothing.
type Cleanup struct {
	Enabled     bool
	Keep        time.Duration // at least, since the youngest row of a weekday was created
	LockTimeout time.Duration // for a lock to be waited for and held
	Every       time.Duration // between two looks at the table, and before a first retry; default 1 minute
	Patience    time.Duration // for the checkpoint and other slots, with nothing locked; default 30 s
}

// errStreamEnded ends what runs beside the stream.
var errStreamEnded = errors.New("the stream has ended")

// startCleanup looks at the outbox table, and frees what is old, on a connection of its own for as long as the session
// streams. The function that it gives ends that and waits for it.
func (s *session) startCleanup(ctx context.Context, progress *durable) func() {
	if len(s.tables) == 0 {
		return func() {}
	}
	table, want := s.tables[0], s.cfg.Cleanup
	cleaner := cleanup.New(cleanup.Config{
		Enabled: want.Enabled, Table: table.OID, Name: s.cfg.Table, Slot: s.cfg.Source.Slot, Keep: want.Keep, LockTimeout: want.LockTimeout,
		Since: s.facts.Checkpoint.Since(), Every: want.Every, Retry: want.Every, Patience: want.Patience, Logger: s.cfg.Logger, Status: s.cfg.Status,
		Progress: cleanup.Progress{Durable: progress.resume, Hurry: progress.hurry},
		Connect: func(ctx context.Context) (*pgx.Conn, error) {
			sibling, err := s.pg.Sibling(ctx)
			if err != nil {
				return nil, err
			}
			return sibling.Conn, nil
		},
	})
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		cleaner.Run(ctx)
	}()
	return func() {
		cancel(errStreamEnded)
		<-done
	}
}
