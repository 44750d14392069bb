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
	soon := "1000"
	detail := &sarama.TopicDetail{
		NumPartitions: int32(partitions), ReplicationFactor: c.spread,
		ConfigEntries: map[string]*string{"file.delete.delay.ms": &soon}, // what was measured leaves the disk at once
	}
	if err := c.admin.CreateTopic(topic, detail, false); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for p := range int32(partitions) {
		if err := c.await(ctx, topic, p); err != nil {
			return err
		}
	}
	return nil
}

// await waits until the leader of a partition knows it.
func (c *cluster) await(ctx context.Context, topic string, partition int32) error {
	for {
		err := c.client.RefreshMetadata(topic)
		if err == nil {
			if _, err = c.client.GetOffset(topic, partition, sarama.OffsetNewest); err == nil {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for topic %s: %w", topic, errors.Join(context.Cause(ctx), err))
		}
	}
}

// topics are those of our names.
func (c *cluster) topics() ([]string, error) {
	answer, err := c.admin.ListTopics()
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var ours []string
	for topic := range answer {
		if strings.HasPrefix(topic, c.names.kafka()) {
			ours = append(ours, topic)
		}
	}
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
		if err := c.admin.DeleteTopic(topic); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			errs = append(errs, fmt.Errorf("delete topic %s: %w", topic, err))
		}
	}
	return errors.Join(errs...)
}
