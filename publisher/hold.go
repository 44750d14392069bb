package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Hold says that a topic and key has a parked event: later events of it are parked behind, so that their order survives.
// It is a record of the holds partition, until its tombstone.
type Hold struct {
	Topic string    `json:"topic"`
	Key   []byte    `json:"key"`
	First string    `json:"first"` // position of the event that was parked first
	Time  time.Time `json:"time"`
}

type holdRecord struct {
	Format int    `json:"format"`
	Relay  string `json:"relay"`
	Hold
}

// keyHold begins the keys of holds: hold/<topic>/<key>. No topic's name has a slash, so no two holds have the same key.
const keyHold = "hold/"

func holdKey(topic string, key []byte) []byte {
	return append([]byte(keyHold+topic+"/"), key...)
}

// AppendHold appends the record of a hold to a batch of own records.
func (c *Config) AppendHold(b *outbox.Batch, h Hold) error {
	value, err := json.Marshal(holdRecord{Format: formatVersion, Relay: c.Relay, Hold: h})
	if err != nil {
		return fmt.Errorf("encode hold: %w", err)
	}
	b.Append(&outbox.Record{Topic: c.CheckpointTopic, Partition: c.HoldsPartition(), Key: holdKey(h.Topic, h.Key), Value: value})
	return nil
}

// AppendReleased appends the tombstone of a hold.
func (c *Config) AppendReleased(b *outbox.Batch, topic string, key []byte) {
	b.Append(&outbox.Record{Topic: c.CheckpointTopic, Partition: c.HoldsPartition(), Key: holdKey(topic, key)})
}

// ReadHolds reads the holds that were committed before this producer's barrier.
func (p *Producer) ReadHolds(ctx context.Context) ([]Hold, error) {
	p.turn.Lock()
	at, there := p.ownBarriers[topicPartition{p.checkpoint.name, p.c.cfg.HoldsPartition()}]
	p.turn.Unlock()
	if !there {
		return nil, errors.New("read holds: no barrier was committed")
	}
	live := map[string]Hold{}
	err := p.c.scan(ctx, p.checkpoint, p.c.cfg.HoldsPartition(), at+1, func(r committed) error { return p.c.takeHold(live, r) })
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	holds := make([]Hold, 0, len(live))
	for _, h := range live {
		holds = append(holds, h)
	}
	return holds, nil
}

// takeHold notes a record of the holds partition. What is not ours refuses, as in the partition of the checkpoint.
func (c *Client) takeHold(live map[string]Hold, r committed) error {
	key := string(r.record.Key)
	foreign := func(what string) error {
		return &ForeignRecordError{Topic: c.cfg.CheckpointTopic, Partition: c.cfg.HoldsPartition(), Offset: r.offset, What: what}
	}
	switch {
	case key == keyBarrier:
		return nil
	case !strings.HasPrefix(key, keyHold):
		return foreign(fmt.Sprintf("key %.40q", key))
	case r.record.Value == nil:
		delete(live, key)
		return nil
	}
	var h holdRecord
	if err := decodeRecord(r.record.Value, &h, []string{"relay", "topic", "key", "first"}); err != nil {
		return fmt.Errorf("decode hold at offset %d: %w", r.offset, err)
	}
	if h.Relay != c.cfg.Relay {
		return foreign(fmt.Sprintf("relay %.40q", h.Relay))
	}
	if string(holdKey(h.Topic, h.Key)) != key {
		return fmt.Errorf("decode hold at offset %d: %w: its key is that of another", r.offset, ErrUndecodable)
	}
	live[key] = h.Hold
	return nil
}
