package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/guard"
)

// courtesyEvery is how often the watcher looks for a command that waits for the slot.
const courtesyEvery = 500 * time.Millisecond

// errCommandWaits ends a session so that a command can have the slot.
var errCommandWaits = errors.New("a command waits for the slot")

// watcher looks, on an ordinary connection, at what the stream does not tell: a table that was taken out of the
// publication, a slot that changed hands, a command that waits; and at a producer that cannot go on although nothing is to
// be published, so that the next event does not pay for it. It runs on one goroutine and has the session's
// ordinary connection for itself.
type watcher struct {
	session *session
	every   time.Duration
}

// run ends when ctx does; what it finds cancels the session with the finding as cause.
func (w *watcher) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	courtesy := time.NewTicker(courtesyEvery)
	defer courtesy.Stop()
	compare := time.NewTicker(w.every)
	defer compare.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.session.producer.Done():
			err = fmt.Errorf("producer ended: %w", w.session.producer.Err())
		case <-courtesy.C:
			err = w.session.answered(ctx, w.yield)
		case <-compare.C:
			err = w.session.answered(ctx, w.compare)
		}
		if err != nil {
			cancel(err)
			return err
		}
	}
}

func (w *watcher) yield(ctx context.Context) error {
	waits, err := w.session.commandWaits(ctx)
	if err == nil && waits {
		err = errCommandWaits
	}
	return err
}

// compare reads slot and publication again. A difference is a refusal that names the range since the last good look,
// for from there on rows may be missing.
func (w *watcher) compare(ctx context.Context) error {
	s := w.session
	flush, err := s.walEnd(ctx)
	if err != nil {
		return err
	}
	before := s.facts.Server.FlushLSN
	if err := s.askCatalog(ctx, &s.side.Catalog); err != nil {
		return fmt.Errorf("compare publication and slot with the checkpoint: %w", err)
	}
	if !s.owned() {
		return errSlotLost
	}
	s.facts.Server.FlushLSN = flush
	if refusal := guard.Watched(&s.facts, before); refusal != nil {
		return refusal
	}
	s.cfg.Status.SlotSeen(s.slotSeen(flush))
	return nil
}
