package outbox

import (
	"context"
	"fmt"
	"strings"
)

// Emitter writes events. The zero Emitter writes to the table outbox.event and takes the trace of WithTraceparent.
type Emitter struct {
	// Schema of the outbox, as in relay migrate; "": outbox.
	Schema string
	// WALMessages is the prefix of Relay's outbox.wal_messages. With it events do not go through the table: each is a
	// message in the write-ahead log, which costs the server a tenth and leaves no row behind, to read, audit or repair by.
	WALMessages string
	// Trace puts the trace context into headers; nil: that of WithTraceparent.
	Trace Trace
}

// Emit writes events to the outbox in the application's transaction: they are published, in this order, if and when it
// commits. It takes one round trip, however many events there are, and none for no event.
//
// An *EventError names an event that could not be published; it was found before anything was sent. Any other error is
// the driver's, and the transaction is to be rolled back.
func Emit(ctx context.Context, tx Tx, events ...Event) error {
	return Emitter{}.Emit(ctx, tx, events...)
}

// Emit is the package's Emit with the Emitter's options.
func (e Emitter) Emit(ctx context.Context, tx Tx, events ...Event) error {
	drafts, err := e.drafts(ctx, events)
	if err != nil || len(drafts) == 0 {
		return err
	}
	statement, args := e.statement(drafts)
	rows, err := tx.Exec(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("emit %d events: %w", len(events), err)
	}
	if rows != int64(len(events)) {
		return fmt.Errorf("emit %d events: %d were written; a rule or trigger of the table stands in the way", len(events), rows)
	}
	return nil
}

// draft is an event that was checked, with what Emit adds.
type draft struct {
	*Event
	id      string
	headers []byte // JSON; nil: none
}

func (e Emitter) drafts(ctx context.Context, events []Event) ([]draft, error) {
	if len(events) == 0 {
		return nil, nil
	}
	trace := make(map[string]string)
	if e.Trace != nil {
		e.Trace(ctx, trace)
	} else {
		traceFromContext(ctx, trace)
	}
	drafts := make([]draft, len(events))
	for i := range events {
		d, bad := e.draft(&events[i], trace)
		if bad != nil {
			return nil, &EventError{Index: i, Reason: bad.reason, Detail: bad.detail}
		}
		drafts[i] = d
	}
	return drafts, nil
}

func (e Emitter) draft(event *Event, trace map[string]string) (draft, *fault) {
	if bad := event.check(); bad != nil {
		return draft{}, bad
	}
	if e.WALMessages != "" {
		if bad := event.checkMessage(); bad != nil {
			return draft{}, bad
		}
	}
	headers, bad := event.headersJSON(trace)
	if bad != nil {
		return draft{}, bad
	}
	id := event.ID
	if id == (ID{}) {
		id = NewID()
	}
	return draft{Event: event, id: id.String(), headers: headers}, nil
}

// statement is the same text for every call with one event, and for every call with several: drivers prepare it once.
func (e Emitter) statement(drafts []draft) (statement string, args []any) {
	switch {
	case e.WALMessages != "" && len(drafts) == 1:
		return emitMessage, []any{e.WALMessages, drafts[0].message()}
	case e.WALMessages != "":
		return emitMessages, []any{e.WALMessages, messages(drafts)}
	case len(drafts) == 1:
		return fmt.Sprintf(insertOne, e.schema()), drafts[0].values()
	default:
		return fmt.Sprintf(insertMany, e.schema()), columns(drafts)
	}
}

func (e Emitter) schema() string {
	if e.Schema == "" {
		return "outbox"
	}
	return `"` + strings.ReplaceAll(e.Schema, `"`, `""`) + `"`
}
