package publisher

import (
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/outbox"
)

// afterIdling makes all connections of a producer look as if nothing had been sent for a long time.
func afterIdling(p *Producer) {
	p.coordinator.used.Store(0)
	for _, s := range p.senders {
		s.conn.used.Store(0)
	}
}

func TestAnIdleProducerKeepsItsConnections(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	r.publish(p, 1, events(topic, 1))
	awaitEpoch(t, p)
	t.Run("nothing happens to them", func(t *testing.T) {
		afterIdling(p)
		if err := p.touch(); err != nil || p.coordinator.idle() > time.Minute {
			t.Errorf("error %v, coordinator idle for %v", err, p.coordinator.idle())
		}
		r.publish(p, 2, events(topic, 1))
	})
	t.Run("a leader's connection has died", func(t *testing.T) {
		awaitEpoch(t, p)
		afterIdling(p)
		for _, s := range p.senders {
			s.conn.kill()
		}
		if err := p.touch(); err != nil {
			t.Error(err)
		}
		r.publish(p, 3, events(topic, 1))
	})
	t.Run("the coordinator's has died", func(t *testing.T) {
		awaitEpoch(t, p)
		afterIdling(p)
		p.coordinator.kill()
		if err := p.touch(); err == nil {
			t.Error("not noticed")
		}
	})
}

func TestAProducerLearnsOfNewPartitions(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	c, p, _ := r.session()
	r.publish(p, 1, events(topic, 1))
	conn, err := c.connTo(c.controller)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := conn.CreatePartitions(&sarama.CreatePartitionsRequest{
		Version: 1, TopicPartitions: map[string]*sarama.TopicPartition{topic: {Count: 4}}, Timeout: produceTimeout,
	})
	if err != nil || answer.TopicPartitionErrors[topic].Err != sarama.ErrNoError {
		t.Fatal(err, answer)
	}
	for c.known(topic).partitions() != 4 || strings.Contains(answerOf(c.awaitLeaders(t.Context(), topic)), "NOT_LEADER") {
		if err := p.lookAgain(); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := c.Plan(t.Context(), events(topic, 100), nil)
	if err != nil || len(plan.lanes) != 4 {
		t.Fatalf("%d lanes, error %v", len(plan.lanes), err)
	}
	if _, err := p.Publish(t.Context(), Commit{Batch: plan.batch, Plan: plan, FirstSeq: 2, Checkpoint: r.checkpoint(2)}); err != nil {
		t.Error(err)
	}
}

func TestARecreatedCheckpointTopicEndsTheProducer(t *testing.T) {
	r := newRelay(t)
	c, p, _ := r.session()
	r.publish(p, 1, &outbox.Batch{})
	awaitEpoch(t, p)
	if err := p.lookAgain(); err != nil {
		t.Fatal(err)
	}
	if err := devstack.DeleteTopics(t.Context(), r.brokers[0], r.cfg.CheckpointTopic); err != nil {
		t.Fatal(err)
	}
	for { // the deletion reaches the broker through the metadata log
		created, err := c.CreateInternalTopics(t.Context(), InternalTopics{CheckpointTopic: r.cfg.CheckpointTopic, ReplicationFactor: 1})
		if err == nil && len(created) == 1 {
			break
		}
	}
	if err := p.lookAgain(); err == nil || !strings.Contains(err.Error(), "was recreated") {
		t.Errorf("error is %v", err)
	}
}
