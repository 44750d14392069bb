package relay

import (
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// remap appends the record of a parked event to a batch. What could not be mapped is mapped again, as the configuration
// is now; to, if not empty, is the topic whatever it says. A *outbox.BadEvent tells what still cannot be published.
func (c *command) remap(e *publisher.Parked, to string, b *outbox.Batch) error {
	if e.Kind == publisher.ParkedRecord {
		rec := outbox.Record{
			Topic: e.Topic, Key: e.Key, Value: e.Value, Headers: e.Headers, ID: []byte(e.ID), Timestamp: e.Timestamp,
			Partition: e.Partition, XID: e.XID, Position: e.Position,
		}
		if to != "" {
			rec.Topic = to
		}
		b.Append(&rec)
		return nil
	}
	mapper := c.mapper
	if to != "" {
		cfg := c.cfg.Outbox
		cfg.Routing.Always = to
		var err error
		if mapper, err = outbox.NewMapper(cfg); err != nil {
			return err
		}
	}
	tx := outbox.Transaction{Timeline: e.Position.Timeline, CommitLSN: e.Position.CommitLSN, CommitTime: e.CommitTime, XID: e.XID}
	switch e.Kind {
	case publisher.ParkedMessage:
		return mapper.MapMessage(e.Value, tx, e.Position.Index, b)
	case publisher.ParkedRow:
		table, row, err := decodeRow(e.Value)
		if err != nil {
			return err
		}
		plan, err := mapper.Plan(table)
		if column, ok := errors.AsType[*outbox.ColumnError](err); ok {
			return &outbox.BadEvent{ID: e.ID, Position: e.Position, Reason: reasonTableAltered, Detail: column.Error()}
		}
		if err != nil {
			return err
		}
		return plan.Map(row, tx, e.Position.Index, b)
	}
	return fmt.Errorf("publish parked event %s: it is of kind %q, which this release does not know", e.Position, e.Kind)
}
