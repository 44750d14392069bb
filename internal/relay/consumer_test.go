package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/publisher"
)

// event is a record as a consumer sees it.
type event struct {
	topic     string
	partition int32
	offset    int64
	key       []byte // nil: null
	value     []byte
	headers   []string // name=value; name alone for a null value
	time      time.Time
}

// header is the value of the first header of that name.
func (e event) header(name string) string {
	for _, h := range e.headers {
		if key, value, _ := strings.Cut(h, "="); key == name {
			return value
		}
	}
	return ""
}

// own are the headers but for those that every relay writes.
func (e event) own() []string {
	return slices.DeleteFunc(slices.Clone(e.headers), func(h string) bool { return strings.HasPrefix(h, "relay-") })
}

// settled waits until readers may see all that is committed to the topics: a broker writes the markers of a transaction
// after it has answered that it is committed.
func (r *rig) settled(t *testing.T, topics ...string) {
	t.Helper()
	client, err := publisher.Connect(t.Context(), r.cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	eventually(t, fmt.Sprintf("readers may see all of %v", topics), func() bool {
		bounds, err := client.Bounds(t.Context(), topics)
		return err == nil && !slices.ContainsFunc(bounds, func(b publisher.Bounds) bool { return b.LastStable < b.HighWatermark })
	})
}

// consume reads everything that a read_committed consumer sees in a topic: by partition, in the order of offsets.
func (r *rig) consume(t *testing.T, topic string) []event {
	t.Helper()
	r.settled(t, topic)
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	conf.Consumer.IsolationLevel = sarama.ReadCommitted
	client, err := sarama.NewClient(r.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		t.Fatalf("topic %s: %v", topic, err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		if end > 0 {
			events = append(events, readPartition(t, consumer, topic, p, end)...)
		}
	}
	return events
}

// readPartition reads up to the end, or to the last record before it: what ends a log is a marker mostly, and no record.
func readPartition(t *testing.T, consumer sarama.Consumer, topic string, partition int32, end int64) (events []event) {
	t.Helper()
	pc, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	for deadline := time.Now().Add(patience); ; {
		select {
		case m := <-pc.Messages():
			events = append(events, eventOf(m))
			if m.Offset >= end-2 {
				return events
			}
		case err := <-pc.Errors():
			t.Fatal(err)
		case <-time.After(time.Until(deadline)):
			t.Fatalf("topic %s, partition %d: %d records before offset %d", topic, partition, len(events), end)
		}
	}
}

func eventOf(m *sarama.ConsumerMessage) event {
	e := event{topic: m.Topic, partition: m.Partition, offset: m.Offset, key: m.Key, value: m.Value, time: m.Timestamp}
	for _, h := range m.Headers {
		text := string(h.Key)
		if h.Value != nil {
			text += "=" + string(h.Value)
		}
		e.headers = append(e.headers, text)
	}
	return e
}
