package publisher

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/outbox"
)

// Each way in which a real broker refuses one event: the answer names it, nothing is committed, and the next session
// publishes the rest.
func TestTheBrokerNamesTheEventItRefuses(t *testing.T) {
	now := time.Now().UnixMilli()
	good := func(topic string) outbox.Record {
		return outbox.Record{Topic: topic, Key: []byte("k"), Value: []byte("v"), Partition: 0, Timestamp: now}
	}
	for name, c := range map[string]struct {
		settings []string
		spoil    func(*outbox.Record)
		reason   string
		code     sarama.KError
	}{
		"too large": {
			settings: []string{"max.message.bytes=2000"},
			spoil:    func(r *outbox.Record) { r.Value = bytes.Repeat([]byte("x"), 3000) },
			reason:   "the record is larger than the topic's max.message.bytes", code: sarama.ErrMessageSizeTooLarge,
		},
		"a day ahead": {
			spoil:  func(r *outbox.Record) { r.Timestamp += 24 * time.Hour.Milliseconds() },
			reason: "the timestamp is outside the topic's message.timestamp.before.max.ms and after.max.ms",
			code:   sarama.ErrInvalidTimestamp,
		},
		"no key for a compacted topic": {
			settings: []string{"cleanup.policy=compact"},
			spoil:    func(r *outbox.Record) { r.Key = nil },
			reason:   "the broker finds the record invalid: Compacted topic cannot accept message without key in topic partition ",
			code:     sarama.ErrInvalidRecord,
		},
		"no such topic": {
			spoil:  func(r *outbox.Record) { r.Topic += "-mistyped" },
			reason: "the topic does not exist", code: sarama.ErrUnknownTopicOrPartition,
		},
		"no topic name": {
			spoil:  func(r *outbox.Record) { r.Topic = "orders/new" },
			reason: "the name is no valid topic name", code: sarama.ErrInvalidTopic,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t)
			topic := r.topic("orders", 1, c.settings...)
			_, p, _ := r.session()
			batch := &outbox.Batch{}
			for i := range 5 {
				record := good(topic)
				if i == 3 {
					c.spoil(&record)
				}
				batch.Append(&record)
			}
			_, err := p.Publish(t.Context(), Commit{Batch: batch, FirstSeq: 1, Checkpoint: r.checkpoint(1)})
			var e *EventError
			if !errors.As(err, &e) {
				t.Fatalf("error is %v, want an EventError", err)
			}
			if diff := cmp.Diff([]int{3}, e.Records); diff != "" {
				t.Errorf("records: %s", diff)
			}
			if !strings.HasPrefix(e.Reason, c.reason) || !errors.Is(err, c.code) {
				t.Errorf("reason %q, error %v", e.Reason, err)
			}
			_, p, cp := r.session()
			if cp != nil || len(r.read(topic)) != 0 {
				t.Errorf("part of the refused transaction is visible: checkpoint %+v", cp)
			}
			rest := &outbox.Batch{}
			first := batch.At(0)
			rest.Append(&first)
			r.publish(p, 1, rest)
			r.eventually(topic, 1)
		})
	}
}

// A limit that we do not know of, here one that was lowered after we looked, makes batches smaller and loses nothing.
func TestABatchThatIsTooLargeIsSplit(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 2)
	c, p, _ := r.session()
	if _, err := c.resolve(t.Context(), []string{topic}, time.Second); err != nil {
		t.Fatal(err)
	}
	r.set(c, topic, "max.message.bytes", "20000")
	batch, total := load(topic, 2000), 0
	for split := false; !split; { // the setting reaches the broker a little later
		commit := Commit{Batch: batch, FirstSeq: uint64(total + 1), Checkpoint: r.checkpoint(uint64(total + 1))}
		if _, err := p.Publish(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
		total += batch.Len()
		split = p.lanes[1].limit < 100_000 && p.lanes[2].limit < 100_000
	}
	got := r.eventually(topic, total)
	gapless(t, got, r.cfg.Relay, 1, total)
	last := map[string]uint64{}
	for _, g := range got {
		seq, ok := ourSeq(g.record, []byte(seqPrefix(r.cfg.Relay, r.identity().Generation)))
		key := string(g.record.Key)
		if !ok || last[key] >= seq {
			t.Fatalf("key %s: event %d comes before %d", key, last[key], seq)
		}
		last[key] = seq
	}
}

func TestOldEventsOutliveTheirRetention(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1, "retention.ms=3600000")
	_, p, _ := r.session()
	old := time.Now().Add(-50 * time.Minute).Truncate(time.Millisecond)
	event := events(topic, 1).At(0)
	event.Timestamp = old.UnixMilli()
	batch := &outbox.Batch{}
	batch.Append(&event)
	r.publish(p, 1, batch)
	got := r.eventually(topic, 1)[0].record
	if at := header(got, HeaderCommitTime); at != old.UTC().Format(timeLayout) {
		t.Errorf("relay-commit-time is %q, want %s", at, old.UTC().Format(timeLayout))
	}
}

func TestAMissingEventTopicIsCreatedWhenWanted(t *testing.T) {
	r := newRelay(t, func(c *Config) { c.CreateTopics = &TopicSpec{Partitions: 3, ReplicationFactor: 1} })
	topic := r.prefix + ".new"
	_, p, _ := r.session()
	result := r.publish(p, 1, events(topic, 50))
	if len(r.eventually(topic, 50)) != 50 || len(result.Ends) != 3 {
		t.Errorf("ends are %v, want three partitions", result.Ends)
	}
}

// A topic that cannot be created concerns the events that name it, and no others.
func TestATopicThatCannotBeCreated(t *testing.T) {
	r := newRelay(t, func(c *Config) { c.CreateTopics = &TopicSpec{Partitions: 1, ReplicationFactor: 9} })
	there := r.topic("there", 1)
	_, p, _ := r.session()
	batch := events(there, 2)
	bad := events(r.prefix+".new", 1).At(0)
	batch.Append(&bad)
	_, err := p.Publish(t.Context(), Commit{Batch: batch, FirstSeq: 1, Checkpoint: r.checkpoint(1)})
	e, ok := errors.AsType[*EventError](err)
	if !ok || e.Cause != CauseUnknownTopic || !strings.Contains(e.Reason, "INVALID_REPLICATION_FACTOR") {
		t.Fatalf("error is %v", err)
	}
	if diff := cmp.Diff([]int{2}, e.Records); diff != "" {
		t.Errorf("records: %s", diff)
	}
}
