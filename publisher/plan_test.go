package publisher

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

// offline is a client that knows topics and no broker.
func offline(partitions map[string]int) *Client {
	c := &Client{
		cfg:       Config{CheckpointTopic: "relay.checkpoints.shop", ReservedPrefixes: []string{"relay.checkpoints", "relay.parked"}},
		partition: partitionMurmur2,
	}
	topics := map[string]*topic{}
	for name, n := range partitions {
		topics[name] = &topic{name: name, leaders: make([]int32, n), config: defaultTopicConfig()}
	}
	c.topics.Store(&topics)
	return c
}

func record(topic string, key []byte) outbox.Record {
	return outbox.Record{Topic: topic, Key: key, Partition: outbox.PartitionByKey}
}

// A plan has every record once, in the partition of its key, in the order of the batch; and planning again in the
// memory of another plan gives the same.
func TestPlanLaw(t *testing.T) {
	partitions := map[string]int{"a": 1, "b": 3, "c": 200}
	rapid.Check(t, func(t *rapid.T) {
		c := offline(partitions)
		var reused *Plan
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			batch := &outbox.Batch{}
			for range rapid.IntRange(0, 50).Draw(t, "records") {
				r := record(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "topic"), nil)
				if rapid.Bool().Draw(t, "keyed") {
					r.Key = rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "key")
				}
				if rapid.IntRange(0, 4).Draw(t, "explicit") == 0 {
					r.Partition = int32(rapid.IntRange(0, partitions[r.Topic]-1).Draw(t, "partition"))
				}
				batch.Append(&r)
			}
			var err error
			if reused, err = c.Plan(context.Background(), batch, reused); err != nil {
				t.Fatal(err)
			}
			checkPlan(t, c, batch, reused)
		}
	})
}

func checkPlan(t *rapid.T, c *Client, batch *outbox.Batch, p *Plan) {
	seen := make([]bool, batch.Len())
	lanes := map[topicPartition]bool{}
	keyless := map[string]int32{}
	for _, l := range p.lanes {
		key := topicPartition{l.topic.name, l.partition}
		if lanes[key] || l.from >= l.to {
			t.Fatalf("lane %v twice or empty", key)
		}
		lanes[key] = true
		last := int32(-1)
		for _, i := range p.order[l.from:l.to] {
			r := batch.At(int(i))
			if seen[i] || i <= last || r.Topic != l.topic.name {
				t.Fatalf("record %d twice, out of order or in the wrong topic", i)
			}
			seen[i], last = true, i
			switch {
			case r.Partition >= 0:
				if r.Partition != l.partition {
					t.Fatalf("record %d names partition %d, is in %d", i, r.Partition, l.partition)
				}
			case r.Key != nil:
				if want := c.partition(r.Key, l.topic.partitions()); want != l.partition {
					t.Fatalf("key of record %d belongs to %d, is in %d", i, want, l.partition)
				}
			default:
				if at, ok := keyless[r.Topic]; ok && at != l.partition {
					t.Fatalf("records without a key of one batch are in partitions %d and %d", at, l.partition)
				}
				keyless[r.Topic] = l.partition
			}
		}
	}
	for i, ok := range seen {
		if !ok {
			t.Fatalf("record %d is in no lane", i)
		}
	}
}

func TestRecordsWithoutAKeyAreSpreadOverThePartitions(t *testing.T) {
	c := offline(map[string]int{"a": 4})
	seen := map[int32]int{}
	for range 40 {
		batch := &outbox.Batch{}
		r := record("a", nil)
		batch.Append(&r)
		p, err := c.Plan(context.Background(), batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[p.lanes[0].partition]++
	}
	if diff := cmp.Diff(map[int32]int{0: 10, 1: 10, 2: 10, 3: 10}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsThatNoBrokerMayTake(t *testing.T) {
	good := record("a", []byte("k"))
	for _, c := range []struct {
		name string
		bad  outbox.Record
		want string
	}{
		{"no topic", record("", nil), `topic "" does not take the record: the record has no topic`},
		{"Kafka's own topic", record("__transaction_state", nil), `topic "__transaction_state" does not take the record: topics beginning with __ are Kafka's own`},
		{"our checkpoints", record("relay.checkpoints.shop", []byte("checkpoint")), `topic "relay.checkpoints.shop" does not take the record: it is the checkpoint topic`},
		{"another relay's checkpoints", record("relay.checkpoints.other", nil), `topic "relay.checkpoints.other" does not take the record: topics beginning with relay.checkpoints are Relay's own`},
		{"parked", record("relay.parked.shop", nil), `topic "relay.parked.shop" does not take the record: topics beginning with relay.parked are Relay's own`},
		{"partition too high", outbox.Record{Topic: "a", Partition: 2}, `topic "a" partition 2 does not take the record: the topic has partitions 0 to 1`},
		{"partition below 0", outbox.Record{Topic: "a", Partition: -2}, `topic "a" does not take the record: the topic has partitions 0 to 1`},
		{"beyond sarama's time", outbox.Record{Topic: "a", Partition: 0, Timestamp: maxTimestamp + 1}, `topic "a" does not take the record: the timestamp is after the year 2262`},
	} {
		t.Run(c.name, func(t *testing.T) {
			batch := &outbox.Batch{}
			batch.Append(&good)
			batch.Append(&c.bad)
			_, err := offline(map[string]int{"a": 2}).Plan(context.Background(), batch, nil)
			var e *EventError
			if !errors.As(err, &e) || e.Error() != c.want {
				t.Fatalf("error is %v\nwant     %s", err, c.want)
			}
			if diff := cmp.Diff([]int{1}, e.Records); diff != "" {
				t.Errorf("records: %s", diff)
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, partitions := range []int{6, 200} {
		b.Run(fmt.Sprint(partitions), func(b *testing.B) {
			c := offline(map[string]int{"bench": partitions})
			batch := load("bench", 20000)
			plan, err := c.Plan(b.Context(), batch, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if plan, err = c.Plan(b.Context(), batch, plan); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20000, "ns/record")
		})
	}
}
