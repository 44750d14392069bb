package inbox

import (
	"context"
	"fmt"
	"strings"

	"github.com/outbox-relay/relay/outbox"
)

// Store is where a consumer's notes are. The zero Store has the schema inbox.
type Store struct {
	Schema string // as in relay migrate; "": inbox
}

// Handler handles an event, in the transaction that was given to Once.
type Handler func(ctx context.Context) error

// Once calls handle unless consumer has handled the event of this id before. id is the header id of the record, a uuid.
// Consumers of other names handle the event for themselves.
//
// On an error the transaction must be rolled back: with a commit the event would count as handled.
func Once(ctx context.Context, tx outbox.Tx, consumer, id string, handle Handler) error {
	return Store{}.Once(ctx, tx, consumer, id, handle)
}

// Once is the package's Once with the Store's options.
func (s Store) Once(ctx context.Context, tx outbox.Tx, consumer, id string, handle Handler) error {
	if _, err := outbox.ParseID(id); err != nil {
		return fmt.Errorf("handle event once: %w", err)
	}
	return s.once(ctx, tx, consumer, handle, `INSERT INTO %s.event (consumer, event_id) VALUES ($1::text, $2::uuid) ON CONFLICT DO NOTHING`, id)
}

// once runs a statement that writes a row the first time, and then, if it did, handle. args follow the consumer.
func (s Store) once(ctx context.Context, tx outbox.Tx, consumer string, handle Handler, statement string, args ...any) error {
	if consumer == "" {
		return fmt.Errorf("handle event once: the consumer has no name")
	}
	rows, err := tx.Exec(ctx, fmt.Sprintf(statement, s.schema()), append([]any{consumer}, args...)...)
	if err != nil {
		return fmt.Errorf("note that consumer %q handles the event: %w", consumer, err)
	}
	if rows == 0 {
		return nil
	}
	return handle(ctx)
}

func (s Store) schema() string {
	if s.Schema == "" {
		return "inbox"
	}
	return `"` + strings.ReplaceAll(s.Schema, `"`, `""`) + `"`
}
