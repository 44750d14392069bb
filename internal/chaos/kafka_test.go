package chaos

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

// TestReaderSeesWhatIsCommitted: aborted records are left out, wherever they stand, and an open transaction hides what
// lies behind its beginning.
func TestReaderSeesWhatIsCommitted(t *testing.T) {
	kafka := devstacktest.Kafka(t)
	topic := kafka.Prefix + ".order"
	reader, err := NewReader(kafka.Brokers, topic, kafka.Prefix+".nowhere")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	at := Offsets{}
	// A commit is visible a moment after it was answered.
	expect := func(want ...string) {
		t.Helper()
		var seen []string
		ctx := bounded(t, limit)
		for first := true; first || len(seen) < len(want); first = false {
			err := reader.Read(ctx, at, func(r *kgo.Record) error {
				seen = append(seen, string(r.Value))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(seen)
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	expect()
	createTopic(t, reader, topic)
	one, two := producer(t, kafka, topic, "one"), producer(t, kafka, topic, "two")
	one.write(t, kgo.TryAbort, "aborted 1")
	expect()
	one.write(t, kgo.TryCommit, "a", "b", "c")
	one.write(t, kgo.TryAbort, "aborted 2", "aborted 3")
	expect("a", "b", "c")
	one.write(t, kgo.TryCommit, "d")
	expect("d")
	two.begin(t, "open")
	one.write(t, kgo.TryCommit, "behind")
	expect()
	two.end(t, kgo.TryCommit)
	expect("behind", "open")
	expect()
}

// createTopic makes a topic of one partition.
func createTopic(t *testing.T, r *Reader, topic string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, 1, 1
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(bounded(t, limit), r.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type transactional struct{ *kgo.Client }

func producer(t *testing.T, kafka *devstacktest.KafkaCluster, topic, id string) *transactional {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers...), kgo.TransactionalID(kafka.Prefix+id), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &transactional{c}
}

func (p *transactional) begin(t *testing.T, values ...string) {
	t.Helper()
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if err := p.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *transactional) end(t *testing.T, how kgo.TransactionEndTry) {
	t.Helper()
	if err := p.EndTransaction(context.WithoutCancel(t.Context()), how); err != nil {
		t.Fatal(err)
	}
}

func (p *transactional) write(t *testing.T, how kgo.TransactionEndTry, values ...string) {
	t.Helper()
	p.begin(t, values...)
	p.end(t, how)
}
