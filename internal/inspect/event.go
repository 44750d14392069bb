package inspect

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Event is one committed record of an event topic, with the relay's headers decoded.
type Event struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"` // the record's timestamp
	Key       *Bytes    `json:"key"`  // null: a null key
	ID        string    `json:"id,omitempty"`
	Type      string    `json:"type,omitempty"`
	// ValueBytes is the length of the value; -1 for a null value, a tombstone.
	ValueBytes int `json:"value_bytes"`
	// Value is there only where it was asked for.
	Value *Bytes `json:"value,omitempty"`
	// Relay is null for a record without the relay's headers: another producer wrote it.
	Relay   *Origin  `json:"relay"`
	Headers []Header `json:"headers"`
}

// Origin is what the relay's headers say.
type Origin struct {
	Relay      string     `json:"relay"`
	Generation time.Time  `json:"generation"` // of init or adopt
	Seq        uint64     `json:"seq"`
	Position   string     `json:"position"`
	Timeline   uint32     `json:"timeline"`
	CommitLSN  outbox.LSN `json:"commit_lsn"`
	Index      uint32     `json:"index"`
	Piece      uint32     `json:"piece,omitempty"`
	CommitTime *time.Time `json:"commit_time,omitempty"`
}

// Header is a header of the record; a null value is null.
type Header struct {
	Name  string `json:"name"`
	Value *Bytes `json:"value"`
}

// Bytes are text where they are UTF-8, else base64: one of the two is there.
type Bytes struct {
	Text   *string `json:"text,omitempty"`
	Base64 *string `json:"base64,omitempty"`
}

// newBytes is nil for null.
func newBytes(b []byte) *Bytes {
	if b == nil {
		return nil
	}
	text := string(b)
	if utf8.Valid(b) {
		return &Bytes{Text: &text}
	}
	text = base64.StdEncoding.EncodeToString(b)
	return &Bytes{Base64: &text}
}

// String is the text, or the base64 with its name before it; "null" for nil.
func (b *Bytes) String() string {
	switch {
	case b == nil:
		return "null"
	case b.Text != nil:
		return *b.Text
	}
	return "base64:" + *b.Base64
}

// Place is topic/partition@offset.
func (e *Event) Place() string { return fmt.Sprintf("%s/%d@%d", e.Topic, e.Partition, e.Offset) }

// describeEvent decodes a record. names are the headers that the configuration gives to id and type.
func describeEvent(r *publisher.Event, names outbox.HeaderNames, withValue bool) Event {
	e := Event{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time, Key: newBytes(r.Key), ValueBytes: len(r.Value),
		ID: headerText(r, names.ID), Type: headerText(r, names.Type), Headers: []Header{},
	}
	if r.Value == nil {
		e.ValueBytes = -1
	}
	if withValue {
		e.Value = newBytes(r.Value)
	}
	for _, h := range r.Headers {
		e.Headers = append(e.Headers, Header{Name: string(h.Key), Value: newBytes(h.Value)})
	}
	if o, ok := r.Origin(); ok {
		e.Relay = &Origin{
			Relay: o.Relay, Generation: time.UnixMilli(o.Generation).UTC(), Seq: o.Seq, Position: o.Position.String(),
			Timeline: o.Position.Timeline, CommitLSN: o.Position.CommitLSN, Index: o.Position.Index, Piece: o.Piece,
		}
		if !o.CommitTime.IsZero() {
			e.Relay.CommitTime = &o.CommitTime
		}
	}
	return e
}

func headerText(r *publisher.Event, name string) string {
	if name == "" {
		return ""
	}
	value, _ := r.Header(name)
	return string(value)
}

// headerNames are those of the configuration.
func (s *Session) headerNames() outbox.HeaderNames {
	if s.cfg.Relay.Outbox.Format == outbox.FormatDebezium {
		return outbox.HeaderNames{ID: "id"} // as the outbox router calls it
	}
	return s.cfg.Relay.Outbox.Routing.Headers
}

// Event reads the committed event at a place, value and all.
func (s *Session) Event(ctx context.Context, topic string, partition int32, offset int64) (Event, error) {
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return Event{}, err
	}
	reader, err := kafka.Reader(ctx, topic, partition)
	switch {
	case errors.Is(err, publisher.ErrNoTopic):
		return Event{}, noTopic(topic)
	case errors.Is(err, publisher.ErrNoPartition):
		return Event{}, &fault.Error{Code: fault.NotFound, Summary: err.Error()}
	case err != nil:
		return Event{}, s.viewer.KafkaTrouble("", err)
	}
	reader.StartAt(offset)
	for reader.Offset() == offset {
		events, err := reader.Next(ctx)
		if err != nil {
			return Event{}, s.viewer.KafkaTrouble("", err)
		}
		for i := range events {
			if events[i].Offset == offset {
				return describeEvent(&events[i], s.headerNames(), true), nil
			}
		}
		if offset >= reader.End {
			break
		}
	}
	return Event{}, noEvent(topic, partition, offset, reader)
}

func noEvent(topic string, partition int32, offset int64, r *publisher.Reader) error {
	f := &fault.Error{Code: fault.NotFound, Summary: fmt.Sprintf("no committed event at %s/%d@%d", topic, partition, offset)}
	switch {
	case r.Start == r.End:
		f.Hint = "The partition is empty."
	case offset < r.Start:
		f.Hint = fmt.Sprintf("The partition begins at offset %d: what was before is deleted.", r.Start)
	case offset >= r.End:
		f.Hint = fmt.Sprintf("What is committed ends before offset %d.", r.End)
	default:
		f.Hint = "The offset belongs to a transaction marker, to an aborted transaction, or to a record that compaction took away."
	}
	return f
}
