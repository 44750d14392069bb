package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
)

// restorations put an older copy of the data directory in the server's place. Its identifier, timeline and slot are those
// of the server: only what was published since tells.
func restorations() []*Fault {
	return []*Fault{
		{
			Name: "restored", What: "a cold copy of the data directory restored", Refuses: fault.HistoryLost,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return nil, l.restore(ctx) },
		},
		{
			Name: "restored-and-written", What: "a cold copy of the data directory restored, and written to beyond the checkpoint", Refuses: fault.WitnessDiffers,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) {
				if err := l.restore(ctx); err != nil {
					return nil, err
				}
				return nil, l.place.fill(ctx, overtaking)
			},
		},
	}
}

// overtaking is so many events that the log is longer than it was when the copy's original had published a few.
const overtaking = 3000

func (l *life) restore(ctx context.Context) error {
	if err := l.Primary.Stop(ctx, devstack.Fast); err != nil {
		return err
	}
	older, err := l.Primary.CopyDataDir()
	if err != nil {
		return err
	}
	if err := l.publishOnce(ctx); err != nil {
		return errors.Join(fmt.Errorf("publish behind the copy: %w", err), older.Close())
	}
	if err := older.Start(ctx); err != nil {
		return errors.Join(err, older.Close())
	}
	return l.moveTo(older)
}

// publishOnce starts the server again and lets one relay publish some events.
func (l *life) publishOnce(ctx context.Context) error {
	if err := l.Primary.Start(ctx); err != nil {
		return err
	}
	if err := l.one(ctx); err != nil {
		return err
	}
	for range 3 {
		if _, err := l.published(ctx); err != nil {
			return err
		}
	}
	return l.retire(ctx)
}
