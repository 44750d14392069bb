package publisher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// lookedUp is what one metadata answer says of the topics asked for.
type lookedUp struct {
	clusterID string
	topics    map[string]*topic
	refused   map[string]sarama.KError
}

// lookUp asks for the metadata of these topics, and never creates one by asking.
func (c *Client) lookUp(ctx context.Context, names []string) (*lookedUp, error) {
	answer, err := anyBroker(ctx, c, "look up topics", func(b *sarama.Broker) (*sarama.MetadataResponse, error) {
		return b.GetMetadata(&sarama.MetadataRequest{Version: 11, Topics: names})
	})
	if err != nil {
		return nil, err
	}
	if answer.ClusterID == nil || *answer.ClusterID == "" {
		return nil, fmt.Errorf("look up topics: broker does not tell the cluster's id")
	}
	c.learnBrokers(answer)
	found := &lookedUp{
		clusterID: *answer.ClusterID, topics: map[string]*topic{}, refused: map[string]sarama.KError{},
	}
	for _, t := range answer.Topics {
		if t.Err != sarama.ErrNoError {
			found.refused[t.Name] = t.Err
			continue
		}
		found.topics[t.Name] = newTopic(t)
	}
	return found, nil
}

func (c *Client) learnBrokers(answer *sarama.MetadataResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.controller = answer.ControllerID
	c.brokers = map[int32]string{}
	for _, b := range answer.Brokers {
		c.brokers[b.ID()] = b.Addr()
	}
}

func newTopic(m *sarama.TopicMetadata) *topic {
	t := &topic{name: m.Name, id: m.Uuid.String(), leaders: make([]int32, len(m.Partitions)), config: defaultTopicConfig()}
	for i := range t.leaders {
		t.leaders[i] = -1
	}
	for i, p := range m.Partitions {
		if p.ID >= 0 && int(p.ID) < len(t.leaders) {
			t.leaders[p.ID] = p.Leader
		}
		if n := int16(len(p.Replicas)); i == 0 || n < t.replication {
			t.replication = n
		}
		if n := int16(len(p.Isr)); i == 0 || n < t.inSync {
			t.inSync = n
		}
	}
	return t
}

// known gives the topic as last looked up, or nil.
func (c *Client) known(name string) *topic { return (*c.topics.Load())[name] }

// topicPatience is how long a topic may be unknown or without a leader before we believe it: one that was just created
// is not known to every broker yet.
const topicPatience = 2 * time.Second

// resolve looks the topics up until each is known with all its leaders, or patience ends, and remembers them. What it
// returns are the answers for those that are refused.
func (c *Client) resolve(ctx context.Context, names []string, patience time.Duration) (map[string]sarama.KError, error) {
	c.refresh.Lock()
	defer c.refresh.Unlock()
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := newPause(50*time.Millisecond, 500*time.Millisecond); ; {
		found, err := c.lookUp(ctx, names)
		if err != nil {
			return nil, err
		}
		if found.complete() || wait.next(patient) != nil {
			return found.refused, c.remember(ctx, found.topics)
		}
	}
}

func (l *lookedUp) complete() bool {
	for _, code := range l.refused {
		if code == sarama.ErrUnknownTopicOrPartition || classify(apiMetadata, code) == again {
			return false
		}
	}
	for _, t := range l.topics {
		if slices.Contains(t.leaders, -1) {
			return false
		}
	}
	return true
}

// remember adds topics to those known, with their settings.
func (c *Client) remember(ctx context.Context, topics map[string]*topic) error {
	if err := c.describe(ctx, topics); err != nil {
		return err
	}
	for {
		old := c.topics.Load()
		next := maps.Clone(*old)
		maps.Copy(next, topics)
		if c.topics.CompareAndSwap(old, &next) {
			return nil
		}
	}
}

// describe fills in the settings of topics. Not being allowed to look is no error.
func (c *Client) describe(ctx context.Context, topics map[string]*topic) error {
	request := &sarama.DescribeConfigsRequest{Version: 4}
	for name := range topics {
		request.Resources = append(request.Resources, &sarama.ConfigResource{
			Type: sarama.TopicResource, Name: name, ConfigNames: topicConfigNames(),
		})
	}
	if len(request.Resources) == 0 {
		return nil
	}
	answer, err := anyBroker(ctx, c, "describe topics", func(b *sarama.Broker) (*sarama.DescribeConfigsResponse, error) {
		return b.DescribeConfigs(request)
	})
	if err != nil {
		return err
	}
	for _, r := range answer.Resources {
		t := topics[r.Name]
		if t == nil || sarama.KError(r.ErrorCode) != sarama.ErrNoError {
			continue
		}
		t.config.known = true
		for _, entry := range r.Configs {
			t.config.set(entry.Name, entry.Value)
		}
	}
	return nil
}

// refreshTopics looks all known topics up again: leaders move, partitions are added, settings change. A topic that is
// gone stays as it was, the broker will say so when it is written to.
func (c *Client) refreshTopics(ctx context.Context) error {
	c.refresh.Lock()
	defer c.refresh.Unlock()
	names := slices.Collect(maps.Keys(*c.topics.Load()))
	if len(names) == 0 {
		return nil
	}
	found, err := c.lookUp(ctx, names)
	if err != nil {
		return err
	}
	return c.remember(ctx, found.topics)
}

// checkpointTopic is the topic of our checkpoint, or ErrNoTopic.
func (c *Client) checkpointTopic(ctx context.Context) (*topic, error) {
	return c.topicNamed(ctx, c.cfg.CheckpointTopic, "Describe, Read and Write")
}

// topicNamed looks a topic up that is to be there, else ErrNoTopic. rights are those that the caller needs.
func (c *Client) topicNamed(ctx context.Context, name, rights string) (*topic, error) {
	if t := c.known(name); t != nil {
		return t, nil
	}
	found, err := c.lookUp(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	if code, refused := found.refused[name]; refused {
		switch code {
		case sarama.ErrUnknownTopicOrPartition:
			return nil, fmt.Errorf("look up topic %s: %w", name, ErrNoTopic)
		case sarama.ErrTopicAuthorizationFailed:
			return nil, &AuthorizationError{ACL: rights + " on Topic " + name, Err: code}
		}
		return nil, fmt.Errorf("look up topic %s: %w", name, refusal(apiMetadata, code))
	}
	if err := c.remember(ctx, found.topics); err != nil {
		return nil, err
	}
	return found.topics[name], nil
}

// CheckpointTopicID is the id of the checkpoint topic as Kafka's tools print it, or ErrNoTopic.
func (c *Client) CheckpointTopicID(ctx context.Context) (string, error) {
	t, err := c.checkpointTopic(ctx)
	if err != nil {
		return "", err
	}
	return t.id, nil
}
