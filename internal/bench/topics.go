package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/fault"
)

// cluster is the Kafka that events are published to.
type cluster struct {
	names   names
	brokers []string
	client  sarama.Client
	admin   sarama.ClusterAdmin
	spread  int16 // replication factor
}

// newSaramaConfig is how the benchmark itself talks to Kafka: the same protocol versions as the relay's.
func newSaramaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_9_0_0
	c.ClientID = "relay-bench"
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.Retry.Max = 1
	c.Net.DialTimeout = 5 * time.Second
	return c
}

func openCluster(brokers []string, replicationFactor int, n names) (*cluster, error) {
	client, err := sarama.NewClient(brokers, newSaramaConfig())
	if err != nil {
		return nil, &fault.Error{
			Code: fault.KafkaUnreachable, Summary: "reach Kafka at " + strings.Join(brokers, ","), Err: err,
			Hint: "Check kafka.brokers, and the addresses that the brokers advertise.",
		}
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("administer Kafka: %w", err), client.Close())
	}
	return &cluster{names: n, brokers: brokers, client: client, admin: admin, spread: int16(replicationFactor)}, nil
}

func (c *cluster) close() error { return c.admin.Close() } // closes the client too

// create makes a topic for events and waits until every partition takes records.
func (c *cluster) create(ctx context.Context, topic string, partitions int) error {
	soon, inSync := "1000", "1"
	if c.spread >= 3 {
		inSync = "2" // else the relay refuses
	}
	detail := &sarama.TopicDetail{
		NumPartitions: int32(partitions), ReplicationFactor: c.spread,
		ConfigEntries: map[string]*string{
			"file.delete.delay.ms": &soon, // what was measured leaves the disk at once
			"min.insync.replicas":  &inSync,
		},
	}
	err := c.admin.CreateTopic(topic, detail, false)
	switch {
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		return unsuitable("It takes the ACLs Create, Describe, Delete, Read and Write on topics with prefix "+c.names.kafka()+".",
			"Kafka does not allow topic %s to be created", topic)
	case err != nil:
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for p := range int32(partitions) {
		if err := c.await(ctx, topic, p); err != nil {
			return err
		}
	}
	return nil
}

const (
	topicPatience = 30 * time.Second
	topicEvery    = 20 * time.Millisecond
)

// await waits until the leader of a partition knows it.
func (c *cluster) await(ctx context.Context, topic string, partition int32) error {
	ctx, cancel := context.WithTimeout(ctx, topicPatience)
	defer cancel()
	for {
		_, err := c.client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err == nil {
			return nil
		}
		if sleepUntil(ctx, time.Now().Add(topicEvery)) != nil {
			return fmt.Errorf("wait for topic %s: %w", topic, err)
		}
		_ = c.client.RefreshMetadata(topic) // what is wrong the next try says
	}
}

// topics are those of our names.
func (c *cluster) topics() ([]string, error) {
	if err := c.client.RefreshMetadata(); err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	all, err := c.client.Topics()
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	ours := slices.DeleteFunc(all, func(topic string) bool { return !strings.HasPrefix(topic, c.names.kafka()) })
	slices.Sort(ours)
	return ours, nil
}

// remove deletes every topic of our names.
func (c *cluster) remove() error {
	topics, err := c.topics()
	if err != nil {
		return err
	}
	var errs []error
	for _, topic := range topics {
		errs = append(errs, c.delete(topic))
	}
	return errors.Join(errs...)
}

func (c *cluster) delete(topic string) error {
	if err := c.admin.DeleteTopic(topic); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return nil
}
