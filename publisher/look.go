package publisher

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Look is the newest of what an unfenced reader sees committed in the relay's checkpoint partition. It is advice: the
// next moment may bring another record.
type Look struct {
	Barrier       *Barrier // nil: none
	BarrierOffset int64
	TopicID       string // of the checkpoint topic, as Kafka's tools print it
	// LogStart is where the partition begins. Above 0 records were deleted, so without a checkpoint "none" means nothing.
	LogStart int64
	// Furthest is the barrier of the highest timeline among the newest one and those behind the checkpoint.
	Furthest         *Barrier
	Checkpoint       *Checkpoint // nil: none seen
	CheckpointOffset int64
}

// Look reads the newest committed barrier and checkpoint without fencing anybody. ErrNoTopic when the checkpoint topic
// does not exist.
func (c *Client) Look(ctx context.Context) (Look, error) {
	t, err := c.checkpointTopic(ctx)
	if err != nil {
		return Look{}, err
	}
	return c.lookIn(ctx, t, c.Place())
}

// LookAt is Look for the checkpoint of another relay or shard.
func (c *Client) LookAt(ctx context.Context, at Place) (Look, error) {
	t, err := c.topicNamed(ctx, at.Topic, "Describe and Read")
	if err != nil {
		return Look{}, err
	}
	return c.lookIn(ctx, t, at)
}

func (c *Client) lookIn(ctx context.Context, t *topic, at Place) (Look, error) {
	log, err := c.openLog(t, at.Partition())
	if err != nil {
		return Look{}, err
	}
	start, err := log.offset(ctx, sarama.OffsetOldest, sarama.ReadUncommitted)
	if err != nil {
		return Look{}, fmt.Errorf("look at checkpoint: %w", err)
	}
	seen, err := at.lookBack(ctx, log, start)
	if err != nil {
		return Look{}, fmt.Errorf("look at checkpoint: %w", err)
	}
	look := Look{Barrier: seen.barrier, BarrierOffset: seen.barrierAt, CheckpointOffset: seen.checkpointAt, LogStart: start, TopicID: t.id}
	if look.Furthest = seen.furthest; look.Furthest == nil {
		look.Furthest = seen.barrier
	}
	if seen.checkpoint != nil {
		look.Checkpoint = &seen.checkpoint.Checkpoint
	}
	return look, nil
}

// lookBack reads backwards from the last stable offset to the newest checkpoint. Between it and its session's barrier
// may lie a million others; it says where that barrier is, and compaction keeps the newest one there.
func (p Place) lookBack(ctx context.Context, log *partitionLog, start int64) (newestOf, error) {
	to, err := log.offset(ctx, sarama.OffsetNewest, sarama.ReadCommitted)
	if err != nil {
		return newestOf{}, err
	}
	var seen newestOf
	for size := int64(firstWindow); to > start; size *= windowGrowth {
		from := max(start, to-size)
		records, _, err := log.window(ctx, from, to)
		if err != nil {
			return seen, err
		}
		here, err := p.newest(records)
		if err != nil {
			return seen, err
		}
		if seen.barrier == nil {
			seen.barrier, seen.barrierAt = here.barrier, here.barrierAt
		}
		seen.further(here.furthest)
		if here.checkpoint != nil {
			seen.checkpoint, seen.checkpointAt = here.checkpoint, here.checkpointAt
			return p.withBarrier(ctx, log, seen)
		}
		to = from
	}
	return seen, nil
}

// withBarrier fetches the barrier of the checkpoint's session, when no newer one was seen.
func (p Place) withBarrier(ctx context.Context, log *partitionLog, seen newestOf) (newestOf, error) {
	at := seen.checkpoint.BarrierOffset
	if seen.barrier != nil || at < 0 {
		return seen, nil
	}
	records, _, err := log.window(ctx, at, at+1)
	if err != nil {
		return seen, err
	}
	there, err := p.newest(records)
	seen.barrier, seen.barrierAt = there.barrier, there.barrierAt
	return seen, err
}
