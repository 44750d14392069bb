package publisher

import (
	"context"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// Bounds say what there is of one partition at one moment.
type Bounds struct {
	Topic     string
	Partition int32
	// Start is the first offset that is left: retention and DeleteRecords move it.
	Start int64
	// LastStable ends what a read_committed reader is shown, HighWatermark what is replicated, whatever becomes of its
	// transaction. Everything that was acknowledged before the question was asked lies below HighWatermark.
	LastStable, HighWatermark int64
	// Compacted: older records of a key may be gone at any offset. False also where the settings may not be looked at.
	Compacted bool
}

// Bounds asks for those of each partition of the topics, in order. A topic that does not exist has none. Leaders are
// looked up anew, for later reads too.
func (c *Client) Bounds(ctx context.Context, topics []string) ([]Bounds, error) {
	if len(topics) == 0 {
		return nil, nil // no name in a metadata request means all topics
	}
	found, err := c.resolved(ctx, topics)
	if err != nil {
		return nil, err
	}
	var all []Bounds
	for _, name := range topics {
		t := found[name]
		if t == nil {
			continue
		}
		for partition := range t.partitions() {
			b, err := c.bounds(ctx, t, partition)
			if err != nil {
				return nil, err
			}
			all = append(all, b)
		}
	}
	return all, nil
}

func (c *Client) bounds(ctx context.Context, t *topic, partition int32) (Bounds, error) {
	b := Bounds{Topic: t.name, Partition: partition, Compacted: strings.Contains(t.config.cleanupPolicy, "compact")}
	log, err := c.openLog(t, partition)
	if err != nil {
		return b, err
	}
	for _, ask := range []struct {
		to        *int64
		which     int64
		isolation sarama.IsolationLevel
	}{
		{&b.HighWatermark, sarama.OffsetNewest, sarama.ReadUncommitted},
		{&b.LastStable, sarama.OffsetNewest, sarama.ReadCommitted},
		{&b.Start, sarama.OffsetOldest, sarama.ReadUncommitted},
	} {
		if *ask.to, err = log.offset(ctx, ask.which, ask.isolation); err != nil {
			return b, fmt.Errorf("ask where %s partition %d begins and ends: %w", t.name, partition, err)
		}
	}
	return b, nil
}

// resolved are those of the topics that exist, with leaders and settings as they are now.
func (c *Client) resolved(ctx context.Context, names []string) (map[string]*topic, error) {
	found, err := c.lookUp(ctx, names)
	if err != nil {
		return nil, err
	}
	for name, code := range found.refused {
		switch code {
		case sarama.ErrUnknownTopicOrPartition:
		case sarama.ErrTopicAuthorizationFailed:
			return nil, &AuthorizationError{ACL: "Describe and Read on Topic " + name, Err: code}
		default:
			return nil, fmt.Errorf("look up topic %s: %w", name, refusal(apiMetadata, code))
		}
	}
	return found.topics, c.remember(ctx, found.topics)
}
