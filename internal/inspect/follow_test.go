package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// TestFollowGoesOnWhenBrokersComeBack: each event is shown once, whatever happens to the connections meanwhile.
func TestFollowGoesOnWhenBrokersComeBack(t *testing.T) {
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{Proxied: true})
	produce := producer(t, kafka.Brokers(), "orders")
	s, err := Open(Config{Relay: relay.Config{
		Source: replication.Config{Slot: "s", Publication: "p"}, Outbox: outbox.Defaults(),
		Kafka: publisher.Config{Relay: "payments", CheckpointTopic: "c", Brokers: kafka.Brokers()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	seen, trouble := make(chan string, 100), make(chan error, 100)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended, enough := make(chan error, 1), errors.New("enough")
	go func() {
		ended <- s.Tail(ctx, TailOptions{Topics: []string{"orders"}, Follow: true, Trouble: func(err error) { trouble <- err }}, func(events []Event) error {
			for _, e := range events {
				seen <- e.Key.String()
			}
			return nil
		})
	}()
	var got []string
	await := func(n int) {
		for len(got) < n {
			select {
			case key := <-seen:
				got = append(got, key)
			case err := <-ended:
				t.Fatalf("ended with %v after %v", err, got)
			}
		}
	}
	produce(0, 1)
	await(2)
	kafka.Proxy(0).Down()
	if err := <-trouble; err == nil {
		t.Error("nobody was told that Kafka is away")
	}
	kafka.Proxy(0).Up()
	produce(2, 3, 4)
	await(5)
	kafka.Proxy(0).Cut()
	produce(5)
	await(6)
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("ended with %v", err)
	}
	slices.Sort(got) // between partitions there is no order
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5"}, got); diff != "" {
		t.Error(diff)
	}
}

// producer makes a topic of two partitions and gives what writes records with these keys to them in turn.
func producer(t *testing.T, brokers []string, topic string) func(keys ...int) {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	conf.Producer.Retry.Max = 30
	conf.Producer.Partitioner = sarama.NewRoundRobinPartitioner
	admin, err := sarama.NewClusterAdmin(brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	p, err := sarama.NewSyncProducer(brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	at := time.Now()
	return func(keys ...int) {
		for _, key := range keys {
			_, _, err := p.SendMessage(&sarama.ProducerMessage{
				Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(key)), Timestamp: at.Add(time.Duration(key) * time.Millisecond),
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}
