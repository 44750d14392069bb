package relay

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/devstack"
)

// admin does to Kafka what an operator would.
func (r *rig) admin(t *testing.T) sarama.ClusterAdmin {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	admin, err := sarama.NewClusterAdmin(r.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	return admin
}

func (r *rig) createTopic(t *testing.T, name string, settings map[string]*string) {
	t.Helper()
	admin := r.admin(t)
	detail := &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: settings}
	eventually(t, "topic "+name+" is created", func() bool { return admin.CreateTopic(name, detail, false) == nil }) // a deleted one takes a moment to go
	eventually(t, "topic "+name+" has leaders that answer", func() bool { return r.answers(name, detail.NumPartitions) })
}

// answers tells whether the end of each partition can be asked: a new topic takes a moment until it can.
func (r *rig) answers(topic string, partitions int32) bool {
	client, err := sarama.NewClient(r.cfg.Kafka.Brokers, sarama.NewConfig())
	if err != nil {
		return false
	}
	defer client.Close()
	for p := range partitions {
		if _, err := client.GetOffset(topic, p, sarama.OffsetNewest); err != nil {
			return false
		}
	}
	return true
}

func (r *rig) alterTopic(t *testing.T, name, setting, value string) {
	t.Helper()
	entries := map[string]sarama.IncrementalAlterConfigsEntry{setting: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
	if err := r.admin(t).IncrementalAlterConfig(sarama.TopicResource, name, entries, false); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) deleteTopics(t *testing.T, names ...string) {
	t.Helper()
	if err := devstack.DeleteTopics(t.Context(), r.cfg.Kafka.Brokers[0], names...); err != nil {
		t.Fatal(err)
	}
}

// produce writes a record to the first partition of a topic, as a foreign producer would.
func (r *rig) produce(t *testing.T, topic, key, value string) {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	p, err := sarama.NewSyncProducer(r.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}
