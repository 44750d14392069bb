package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/publisher"
)

// patience is how long a place in a partition may give nothing, for want of a leader or of an answer.
const patience = 30 * time.Second

// readPartition gives the committed events of a partition from from up to before to, in order and each once, whatever
// leaders do meanwhile. It ends with each's first error. What retention deletes meanwhile is left out.
func readPartition(ctx context.Context, kafka *publisher.Client, p *partition, from, to int64, each func(*publisher.Event) error) error {
	at := from
	var stuck time.Time // since when nothing comes
	for at < to {
		before := at
		var refused error
		err := readOn(ctx, kafka, p, &at, to, func(e *publisher.Event) error {
			refused = each(e)
			return refused
		})
		switch {
		case err == nil || refused != nil:
			return err
		case at > before:
			stuck = time.Time{}
		case stuck.IsZero():
			stuck = time.Now()
		case time.Since(stuck) > patience:
			return ofKafka(fmt.Errorf("read %s: %w", p.at(at), err))
		}
		if err := pause.For(ctx, again); err != nil {
			return err
		}
		// Looks the leader up anew.
		if _, err := kafka.Bounds(ctx, []string{p.Topic}); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// patiently asks until there is an answer, or patience ends: a broker that restarts or a leader that moves is everyday
// life. What will not change is said at once.
func patiently(ctx context.Context, ask func() error) error {
	for end := time.Now().Add(patience); ; {
		err := ask()
		if err == nil || final(err) || time.Now().After(end) {
			return err
		}
		if pause.For(ctx, again) != nil {
			return err
		}
	}
}

func final(err error) bool {
	_, denied := errors.AsType[*publisher.AuthorizationError](err)
	_, foreign := errors.AsType[*publisher.ForeignRecordError](err)
	return denied || foreign || errors.Is(err, publisher.ErrNoTopic) || errors.Is(err, publisher.ErrUndecodable)
}

// again is how long to wait before the same is asked again.
const again = 200 * time.Millisecond

// readOn reads until the first trouble; at is where it has come to.
func readOn(ctx context.Context, kafka *publisher.Client, p *partition, at *int64, to int64, each func(*publisher.Event) error) error {
	reader, err := kafka.Reader(ctx, p.Topic, p.Partition)
	if err != nil {
		return err
	}
	reader.StartAt(*at)
	for reader.Offset() < to {
		if more, err := reader.More(ctx); err != nil || !more {
			return fmt.Errorf("nothing is visible from offset %d on: %w", reader.Offset(), err)
		}
		events, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		for i := range events {
			if e := &events[i]; e.Offset >= *at && e.Offset < to {
				if err := each(e); err != nil {
					return err
				}
				*at = e.Offset + 1
			}
		}
		*at = reader.Offset()
	}
	return nil
}
