package publisher

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func TestFacts(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 2, "retention.ms=60000", "max.message.bytes=5000", "message.timestamp.type=LogAppendTime")
	c, p, _ := r.session()
	result := r.publish(p, 1, events(topic, 10))
	missing := r.prefix + ".missing"
	f, err := c.Facts(t.Context(), FactsRequest{
		ParkedTopic: r.prefix + ".parked", Topics: []string{topic, missing}, Ends: result.Ends, EventsTotal: 10, Generation: r.identity().Generation,
	})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.CheckpointTopicID(t.Context())
	if err != nil || f.Checkpoint.ID != id || f.ClusterID != c.ClusterID() || f.ClusterID == "" {
		t.Errorf("topic id %q, want %q; cluster %q; %v", f.Checkpoint.ID, id, f.ClusterID, err)
	}
	f.Checkpoint.ID, f.Topics[0].ID = "", ""
	want := TopicFacts{
		Name: r.cfg.CheckpointTopic, Exists: true, Partitions: 2, ReplicationFactor: 1, InSync: 1, ConfigKnown: true, CleanupPolicy: "compact",
		MinInSync: 1, Retention: 7 * 24 * time.Hour, MaxMessageBytes: 1048588, TimestampBefore: -1, TimestampAfter: time.Hour,
	}
	if diff := cmp.Diff(want, f.Checkpoint); diff != "" {
		t.Error(diff)
	}
	want = TopicFacts{
		Name: topic, Exists: true, Partitions: 2, ReplicationFactor: 1, InSync: 1, ConfigKnown: true, CleanupPolicy: "delete",
		MinInSync: 1, Retention: time.Minute, MaxMessageBytes: 5000, TimestampBefore: -1, TimestampAfter: time.Hour, LogAppendTime: true,
	}
	if diff := cmp.Diff([]TopicFacts{want, {Name: missing}}, f.Topics); diff != "" {
		t.Error(diff)
	}
	if f.Parked.Exists || !f.TransactionState.Exists || f.TransactionState.ReplicationFactor != 1 || len(f.Denied) != 0 {
		t.Errorf("parked %+v, transaction state %+v, denied %v", f.Parked, f.TransactionState, f.Denied)
	}
	if len(f.Brokers) != 1 || f.Brokers[0].TooOld || f.Brokers[0].Release != "4.3" || f.Brokers[0].PartitionVerification != On {
		t.Errorf("brokers are %+v", f.Brokers)
	}
	for i, e := range f.Ends {
		if e.End != result.Ends[i] || !e.Known || e.LogEnd <= e.Offset || e.TailSeq != 0 {
			t.Errorf("end is %+v", e)
		}
	}
}

func TestFactsShowALogThatLostItsTail(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	c, p, _ := r.session()
	end := r.publish(p, 1, events(topic, 5)).Ends[0]
	gone := End{Topic: r.prefix + ".gone", Partition: 0, Offset: 3}
	beyond := End{Topic: topic, Partition: 0, Offset: end.Offset + 100}
	f, err := c.Facts(t.Context(), FactsRequest{Ends: []End{beyond, gone, {Topic: topic, Partition: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Ends {
		if !e.Known || e.LogEnd > e.Offset {
			t.Errorf("%+v does not show that its records are gone", e)
		}
	}
}

func TestFactsShowEventsThatTheCheckpointDoesNotKnow(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	c, p, _ := r.session()
	first := r.publish(p, 1, events(topic, 5)).Ends[0]
	for seq := range uint64(2) { // a twin goes on from the same checkpoint
		commit := Commit{Batch: events(topic, 5), FirstSeq: 6 + 5*seq, Checkpoint: r.checkpoint(2 + seq)}
		if _, err := p.Publish(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	r.eventually(topic, 15)
	for _, want := range []struct {
		generation int64
		seq        uint64
	}{{r.identity().Generation, 15}, {r.identity().Generation + 1, 0}} {
		f, err := c.Facts(t.Context(), FactsRequest{Ends: []End{first}, EventsTotal: 5, Generation: want.generation})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Ends[0]; got.TailSeq != want.seq {
			t.Errorf("generation %d: tail is %+v, want seq %d", want.generation, got, want.seq)
		}
	}
}

// TestFactsAfterRetention: what lies behind a recorded offset may be deleted, which is no loss and no reason to fail.
func TestFactsAfterRetention(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	c, p, _ := r.session()
	first := r.publish(p, 1, events(topic, 5)).Ends[0]
	commit := Commit{Batch: events(topic, 5), FirstSeq: 6, Checkpoint: r.checkpoint(2)}
	if _, err := p.Publish(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	r.eventually(topic, 10)
	leader, err := c.connTo(1)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := leader.DeleteRecords(&sarama.DeleteRecordsRequest{
		Topics: map[string]*sarama.DeleteRecordsRequestTopic{topic: {PartitionOffsets: map[int32]int64{0: -1}}}, Timeout: time.Minute,
	})
	if err != nil || deleted.Topics[topic].Partitions[0].Err != sarama.ErrNoError {
		t.Fatalf("delete records: %v, %+v", err, deleted)
	}
	f, err := c.Facts(t.Context(), FactsRequest{Ends: []End{first}, EventsTotal: 10, Generation: r.identity().Generation})
	if err != nil {
		t.Fatal(err)
	}
	if e := f.Ends[0]; !e.Known || e.LogEnd <= e.Offset || e.TailSeq != 0 {
		t.Errorf("end is %+v", e)
	}
}

func TestReleases(t *testing.T) {
	for version, want := range map[int16]string{1: "before 3.7", 14: "before 3.7", 15: "3.7", 19: "3.7", 20: "3.8", 21: "3.9", 25: "4.0", 30: "4.3", 99: "after 4.3"} {
		if got := releaseOf(version); got != want {
			t.Errorf("metadata.version %d is %s, want %s", version, got, want)
		}
	}
}

func TestInternalTopicsAreCreatedOnce(t *testing.T) {
	k := devstacktest.Kafka(t)
	c, err := Connect(t.Context(), Config{Brokers: k.Brokers, Relay: k.Prefix, Of: 3, CheckpointTopic: k.Prefix + ".checkpoints"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	topics := InternalTopics{CheckpointTopic: k.Prefix + ".checkpoints", ParkedTopic: k.Prefix + ".parked", ReplicationFactor: 1, MinInSync: 1}
	created, err := c.CreateInternalTopics(t.Context(), topics)
	if diff := cmp.Diff([]string{topics.CheckpointTopic, topics.ParkedTopic}, created); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if created, err = c.CreateInternalTopics(t.Context(), topics); len(created) != 0 || err != nil {
		t.Errorf("created again: %v %v", created, err)
	}
	f, err := c.Facts(t.Context(), FactsRequest{ParkedTopic: topics.ParkedTopic})
	if err != nil || f.Checkpoint.Partitions != 6 || f.Parked.Partitions != 1 || f.Parked.CleanupPolicy != "compact" {
		t.Errorf("%+v %v", f, err)
	}
	topics.CheckpointTopic, topics.ReplicationFactor = k.Prefix+".more", 3
	if _, err := c.CreateInternalTopics(t.Context(), topics); err == nil {
		t.Error("three replicas on one broker")
	} else {
		t.Log(err)
	}
}
