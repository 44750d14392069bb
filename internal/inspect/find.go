package inspect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Trace looks for an event by its id: in the table, against the checkpoint, in Kafka and among the parked ones. The
// checkpoint is read after the row and before the topics, so that what it covers must be in them. When a server does not
// answer it gives what the other one shows, and an error.
func (s *Session) Trace(ctx context.Context, id string, o TraceOptions) (Trace, error) {
	id, err := s.normal(id)
	if err != nil {
		return Trace{}, err
	}
	in := s.viewer.Look(ctx) // the catalogue, for the table
	if in.Kafka != nil && in.Postgres != nil {
		return Trace{}, errors.Join(in.Kafka, in.Postgres)
	}
	t := Trace{ID: id, Kafka: KafkaTrace{Events: []Event{}, Topics: []string{}}}
	r, err := s.tablePart(ctx, &t, in.Postgres)
	if err != nil {
		return t, err
	}
	cp := in.Checkpoint
	if in.Kafka == nil && r != nil {
		cp = s.newestCheckpoint(ctx)
	}
	if in.Kafka != nil {
		t.Kafka.Note = oneLine(in.Kafka.Error())
	} else if err := s.kafkaTrace(ctx, &t, r, cp, o); err != nil {
		return t, err
	}
	t.judge()
	return t, errors.Join(in.Kafka, in.Postgres)
}

// normal is the id as the mapping writes it into the header. The tables of our migrations have UUIDs.
func (s *Session) normal(id string) (string, error) {
	if s.cfg.Relay.Outbox.Format != outbox.FormatRelay {
		return id, nil
	}
	if !regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(id) {
		return "", &fault.Error{
			Code: fault.Usage, Summary: fmt.Sprintf("%.80q is not the id of an event", id),
			Hint: "Ids are UUIDs, as outbox.emit() gives back: 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01.",
		}
	}
	return strings.ToLower(id), nil
}

// tablePart looks for the row. Having no right to read the table, or none to look into, is no error.
func (s *Session) tablePart(ctx context.Context, t *Trace, postgres error) (*row, error) {
	table := s.table()
	switch {
	case postgres != nil:
		t.Table.Note = oneLine(postgres.Error())
		return nil, nil
	case table == nil:
		t.Table.Note = "there is no outbox table"
		return nil, nil
	}
	conn, err := s.viewer.Postgres(ctx)
	if err != nil {
		return nil, err
	}
	r, err := table.find(ctx, conn, idColumn(s.cfg.Relay.Outbox), t.ID)
	if sqlState(err) == codeInsufficientPrivilege {
		t.Table.Note = table.mayNotRead()
		return nil, nil
	}
	if err != nil {
		return nil, s.viewer.PostgresTrouble(err)
	}
	t.Table.Looked, t.Table.Table = true, table.asked
	if r == nil {
		t.Table.Note = "no committed row has this id; old rows are deleted"
		return nil, nil
	}
	r.route(s.viewer.Mapper(), table)
	t.Table.Found, t.Table.Rows, t.Table.Table, t.Table.XID = true, r.Same, r.Partition, r.XID
	t.Table.CreatedAt, t.Table.Committed = r.CreatedAt, r.Committed
	if r.Bad != nil {
		t.Table.Note = r.Bad.Error()
	}
	return r, nil
}

// settle is how long a record that must be there is looked for again: its transaction's markers are written one by one.
const settle = 5 * time.Second

func (s *Session) kafkaTrace(ctx context.Context, t *Trace, r *row, cp *publisher.Checkpoint, o TraceOptions) error {
	if s.headerNames().ID == "" {
		t.Kafka.Note = "routing.headers.id is empty: records do not carry the id"
		t.Checkpoint = coverage(cp, r, outbox.Position{})
		return nil
	}
	if o.Since.IsZero() {
		o.Since = r.earliest()
	}
	found, err := s.searchAll(ctx, t, r, cp, o)
	if err != nil {
		return err
	}
	at := outbox.Position{}
	for i := range found {
		t.Kafka.Events = append(t.Kafka.Events, describeEvent(&found[i], s.headerNames(), false))
		if origin, ok := found[i].Origin(); ok && origin.Relay == s.cfg.Relay.Kafka.Relay {
			at = origin.Position
		}
	}
	t.Kafka.Looked = true
	t.Checkpoint = coverage(cp, r, at)
	if len(found) == 0 {
		return s.parkedPart(ctx, t)
	}
	return nil
}

// searchAll reads the topic that the mapping gives, and then the others if it is not there.
func (s *Session) searchAll(ctx context.Context, t *Trace, r *row, cp *publisher.Checkpoint, o TraceOptions) ([]publisher.Event, error) {
	topics, err := s.eventTopics(ctx, o.Topics, cp)
	if err != nil {
		return nil, err
	}
	first, rest := topics, []publisher.TopicSeen(nil)
	if r != nil && r.Topic != "" && len(o.Topics) == 0 {
		if first, rest, err = s.split(ctx, topics, r.Topic); err != nil {
			return nil, err
		}
	}
	for _, part := range [][]publisher.TopicSeen{first, rest} {
		f, err := s.searchIn(ctx, t.ID, part, o)
		if err != nil {
			return nil, err
		}
		found, err := f.run(ctx)
		for end := time.Now().Add(settle); err == nil && len(found) == 0 && time.Now().Before(end) && coverage(cp, r, outbox.Position{}).Coverage == Covered; {
			if err = pause.For(ctx, followEvery); err == nil {
				found, err = f.run(ctx)
			}
		}
		if err != nil {
			return nil, s.viewer.KafkaTrouble("", err)
		}
		t.Kafka.Topics = append(t.Kafka.Topics, f.topics...)
		if t.Kafka.Count = f.count; f.count > 0 {
			return found, nil
		}
	}
	return nil, nil
}

// split puts the topic of the row before the others; it may be one that the routing does not yield.
func (s *Session) split(ctx context.Context, topics []publisher.TopicSeen, name string) (first, rest []publisher.TopicSeen, err error) {
	for _, t := range topics {
		if t.Name == name {
			first = append(first, t)
		} else {
			rest = append(rest, t)
		}
	}
	if first != nil {
		return first, rest, nil
	}
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return nil, nil, err
	}
	if first, err = kafka.Topics(ctx, func(topic string) bool { return topic == name }); err != nil {
		return nil, nil, s.viewer.KafkaTrouble("", err)
	}
	return first, rest, nil
}

// parkedPart looks whether the event is parked.
func (s *Session) parkedPart(ctx context.Context, t *Trace) error {
	parked, err := s.viewer.Parked(ctx)
	if err != nil {
		return err
	}
	for _, e := range parked {
		if !strings.EqualFold(e.ID, t.ID) {
			continue
		}
		t.Parked = &ParkedTrace{Position: e.Position.String(), Reason: e.Reason, Detail: e.Detail, Behind: e.Behind, Time: e.Time}
		if resume := t.Checkpoint.ResumeLSN; resume != nil {
			t.Checkpoint = t.Checkpoint.byCommit(e.Position.CommitLSN, *resume)
		}
	}
	return nil
}
