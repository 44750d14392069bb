package publisher

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Place is where a relay, or one shard of it, keeps its checkpoint: partition 2i of the relay's checkpoint topic.
type Place struct {
	Relay string
	Topic string
	Shard int32
}

// Partition is the one with barrier and checkpoint.
func (p Place) Partition() int32 { return 2 * p.Shard }

// Place is where this client's relay keeps its checkpoint.
func (c *Client) Place() Place {
	return Place{Relay: c.cfg.Relay, Topic: c.cfg.CheckpointTopic, Shard: c.cfg.Shard}
}

// Places finds the checkpoints of all relays whose topics are named prefix, a dot and the relay's name, one place for
// each shard, sorted. Topics that may not be seen are left out, as Kafka does.
func (c *Client) Places(ctx context.Context, prefix string) ([]Place, error) {
	topics, err := c.Topics(ctx, func(name string) bool { return strings.HasPrefix(name, prefix+".") })
	if err != nil {
		return nil, err
	}
	var places []Place
	for _, t := range topics {
		for shard := range max(1, (t.Partitions+1)/2) {
			places = append(places, Place{Relay: t.Name[len(prefix)+1:], Topic: t.Name, Shard: shard})
		}
	}
	return places, nil
}

// TopicSeen is a topic of the cluster.
type TopicSeen struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16 // the smallest of its partitions
}

// Topics lists the topics of the cluster whose names match, sorted by name. Kafka leaves out those that this user may not
// describe.
func (c *Client) Topics(ctx context.Context, match func(name string) bool) ([]TopicSeen, error) {
	found, err := c.lookUp(ctx, nil)
	if err != nil {
		return nil, err
	}
	var topics []TopicSeen
	for name, t := range found.topics {
		if match(name) {
			topics = append(topics, TopicSeen{Name: name, Partitions: t.partitions(), ReplicationFactor: t.replication})
		}
	}
	slices.SortFunc(topics, func(a, b TopicSeen) int { return cmp.Compare(a.Name, b.Name) })
	return topics, nil
}

// Brokers is how many brokers the cluster has, as it said last.
func (c *Client) Brokers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.brokers)
}
