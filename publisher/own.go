package publisher

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// Records for Relay's own topics, parked events and holds, lie in a batch as events do, with topic and partition named.
// They go into the transaction as they are: no header of ours, no number in relay-seq, never compressed (compaction can
// leave an empty batch behind, which cannot be decoded when it claims to be compressed).

// HoldsPartition is the partition of the checkpoint topic with this shard's holds.
func (c *Config) HoldsPartition() int32 { return c.CheckpointPartition() + 1 }

// ownLane is one partition of Relay's own with records of a batch.
type ownLane struct {
	topic     *topic
	partition int32
	order     []int32
}

// ownRecords is a batch of own records, sorted by partition.
type ownRecords struct {
	batch *outbox.Batch
	lanes []ownLane
}

// planOwn sorts own records by partition and looks up their topics. Nothing at all is done for an empty batch.
func (p *Producer) planOwn(ctx context.Context, batch *outbox.Batch) (ownRecords, error) {
	own := ownRecords{batch: batch}
	if batch == nil {
		return own, nil
	}
	for i := range batch.Len() {
		_, partition := batch.Route(i)
		lane, err := own.lane(ctx, p, batch.Topic(i), partition)
		if err != nil {
			return own, err
		}
		lane.order = append(lane.order, int32(i))
	}
	return own, nil
}

func (o *ownRecords) lane(ctx context.Context, p *Producer, name string, partition int32) (*ownLane, error) {
	for i := range o.lanes {
		if o.lanes[i].topic.name == name && o.lanes[i].partition == partition {
			return &o.lanes[i], nil
		}
	}
	t, err := p.ownTopic(ctx, name)
	if err != nil {
		return nil, err
	}
	if partition < 0 || partition >= t.partitions() {
		return nil, &OwnError{Record: -1, Topic: name, Reason: fmt.Sprintf("it has no partition %d, only %d partitions", partition, t.partitions())}
	}
	o.lanes = append(o.lanes, ownLane{topic: t, partition: partition})
	return &o.lanes[len(o.lanes)-1], nil
}

// ownTopic finds the checkpoint or parked topic; no other is ever written to without a plan.
func (p *Producer) ownTopic(ctx context.Context, name string) (*topic, error) {
	switch name {
	case p.checkpoint.name:
		return p.checkpoint, nil
	case p.c.cfg.ParkedTopic:
	default:
		return nil, fmt.Errorf("publish: %q is no topic of Relay's own", name)
	}
	if t := p.c.known(name); t != nil && t.partitions() > 0 {
		return t, nil
	}
	refused, err := p.c.resolve(ctx, []string{name}, 0)
	if err != nil {
		return nil, err
	}
	if code, no := refused[name]; no {
		if classify(apiMetadata, code) == badEvent {
			return nil, &OwnError{Record: -1, Topic: name, Reason: refusedTopic(code), Err: code}
		}
		return nil, fmt.Errorf("look up topic %s: %w", name, refusal(apiMetadata, code))
	}
	t := p.c.known(name)
	if t == nil {
		return nil, fmt.Errorf("look up topic %s: broker does not answer for it", name)
	}
	return t, nil
}

// ownRefused is why a record of Relay's own cannot be written.
func (l *lane) ownRefused(from int, reason string, code sarama.KError) error {
	e := &OwnError{Record: -1, Topic: l.topic.name, Reason: reason, Err: code}
	if !concernsTopic(code) {
		e.Record = int(l.order[from])
	}
	return e
}

// barriers are the records of a barrier besides the one in the checkpoint's partition.
func (c *Client) barriers(value []byte, parked bool) *outbox.Batch {
	b := &outbox.Batch{}
	b.Append(&outbox.Record{Topic: c.cfg.CheckpointTopic, Partition: c.cfg.HoldsPartition(), Key: []byte(keyBarrier), Value: value})
	if parked {
		b.Append(&outbox.Record{Topic: c.cfg.ParkedTopic, Partition: parkedPartition, Key: []byte(keyBarrier), Value: value})
	}
	return b
}

// parkedPartition is the only partition of the parked topic.
const parkedPartition = 0
