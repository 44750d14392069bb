package publisher

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/outbox"
)

// ownRelay is a relay on a broker with settings of its own.
func ownRelay(t *testing.T, opts devstack.KafkaOptions) (*relayUnderTest, *devstack.Kafka) {
	t.Helper()
	k := devstacktest.OwnKafka(t, opts)
	r := &relayUnderTest{t: t, brokers: k.Brokers(), prefix: "shop", log: &protocolLog{}}
	r.cfg = Config{Brokers: r.brokers, Relay: "shop", CheckpointTopic: "checkpoints", Protocol: slog.New(r.log)}
	replication := int16(1)
	if opts.Nodes >= 3 {
		replication = 3
	}
	_, err := r.connect().CreateInternalTopics(t.Context(), InternalTopics{
		CheckpointTopic: r.cfg.CheckpointTopic, ReplicationFactor: replication, MinInSync: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, k
}

// Compaction leaves gaps and empty batches; neither a session nor a look from outside trips over them.
func TestACompactedCheckpointTopic(t *testing.T) {
	r, _ := ownRelay(t, devstack.KafkaOptions{Settings: map[string]string{"log.cleaner.backoff.ms": "50"}})
	c := r.connect()
	r.set(c, r.cfg.CheckpointTopic, "segment.ms", "50")
	r.set(c, r.cfg.CheckpointTopic, "min.cleanable.dirty.ratio", "0")
	r.set(c, r.cfg.CheckpointTopic, "max.compaction.lag.ms", "1")
	_, p, _ := r.session()
	firstBarrier := p.barrierAt
	seq := uint64(0)
	next := func() {
		seq++
		r.publish(p, seq, nil)
	}
	for range 30 {
		next()
	}
	log, err := c.openLog(p.checkpoint, 0)
	if err != nil {
		t.Fatal(err)
	}
	compacted := func() bool { // the first checkpoints are gone and the first barrier is still there
		records, _, err := log.fetch(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(records) > 1 && records[0].offset == firstBarrier && records[1].offset > firstBarrier+30
	}
	for !compacted() {
		next() // only a new record makes a broker roll a segment
	}
	awaitEpoch(t, p)
	look, err := c.Look(t.Context())
	if err != nil || look.Checkpoint == nil || look.Checkpoint.Seq != seq || look.Barrier == nil || look.BarrierOffset != firstBarrier {
		t.Errorf("look shows %+v, %v; want seq %d and the barrier at %d", look, err, seq, firstBarrier)
	}
	if _, _, cp := r.session(); cp == nil || cp.Seq != seq {
		t.Errorf("checkpoint is %+v, want seq %d", cp, seq)
	}
}

// What a relay may not do or see: the error, or the fact, names the ACL that is missing.
func TestMissingRightsAreNamed(t *testing.T) {
	r, _ := ownRelay(t, devstack.KafkaOptions{Settings: map[string]string{
		"authorizer.class.name":                   "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found":          "true",
		"early.start.listeners":                   "CONTROL",
		"controller.performance.sample.period.ms": "60000",
	}})
	orders, secret := r.topic("orders", 1), r.topic("secret", 1)
	admin := r.connect()
	deny := func(kind sarama.AclResourceType, name string, operation sarama.AclOperation) {
		answer, err := anyBroker(t.Context(), admin, "create ACL", func(b *sarama.Broker) (*sarama.CreateAclsResponse, error) {
			return b.CreateAcls(&sarama.CreateAclsRequest{Version: 1, AclCreations: []*sarama.AclCreation{{
				Resource: sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral},
				Acl:      sarama.Acl{Principal: "User:ANONYMOUS", Host: "*", Operation: operation, PermissionType: sarama.AclPermissionDeny},
			}}})
		})
		if err != nil || answer.AclCreationResponses[0].Err != sarama.ErrNoError {
			t.Fatal(err, answer)
		}
	}
	allowOthers := func(kind sarama.AclResourceType, name string) { // an ACL of any kind ends "everyone if none is found"
		answer, err := anyBroker(t.Context(), admin, "create ACL", func(b *sarama.Broker) (*sarama.CreateAclsResponse, error) {
			return b.CreateAcls(&sarama.CreateAclsRequest{Version: 1, AclCreations: []*sarama.AclCreation{{
				Resource: sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral},
				Acl:      sarama.Acl{Principal: "User:*", Host: "*", Operation: sarama.AclOperationAll, PermissionType: sarama.AclPermissionAllow},
			}}})
		})
		if err != nil || answer.AclCreationResponses[0].Err != sarama.ErrNoError {
			t.Fatal(err, answer)
		}
	}
	_, p, _ := r.session()
	r.publish(p, 1, events(orders, 1))

	allowOthers(sarama.AclResourceTopic, orders)
	deny(sarama.AclResourceTopic, orders, sarama.AclOperationDescribeConfigs)
	deny(sarama.AclResourceTopic, orders, sarama.AclOperationWrite)
	deny(sarama.AclResourceTopic, orders, sarama.AclOperationRead)
	deny(sarama.AclResourceTopic, secret, sarama.AclOperationDescribe)
	want := []string{"DescribeConfigs on Topic " + orders, "Describe on Topic " + secret, "Read on Topic " + orders}
	var facts Facts
	for len(facts.Denied) < len(want) { // ACLs reach the broker through the metadata log
		var err error
		facts, err = r.connect().Facts(t.Context(), FactsRequest{
			Topics: []string{orders, secret}, Ends: []End{{Topic: orders}, {Topic: secret}}, Generation: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, facts.Denied); diff != "" {
		t.Error(diff)
	}
	if f := facts.Topics[0]; !f.Exists || f.ConfigKnown || !facts.Topics[1].Denied || facts.Ends[1].Known {
		t.Errorf("topics %+v, ends %+v", facts.Topics, facts.Ends)
	}

	for _, topic := range []string{orders, secret} {
		_, p, _ := r.session()
		_, err := p.Publish(t.Context(), Commit{Batch: events(topic, 1), FirstSeq: 2, Checkpoint: r.checkpoint(2)})
		var e *EventError
		if !errors.As(err, &e) || e.Reason != "not authorised: need Describe and Write on the topic" || !slices.Equal(e.Records, []int{0}) {
			t.Errorf("%s: error is %v", topic, err)
		}
	}

	deny(sarama.AclResourceTransactionalID, r.cfg.TransactionalID(), sarama.AclOperationWrite)
	var denied *AuthorizationError
	for denied == nil {
		if _, err := r.connect().Fence(t.Context(), always); err != nil && !errors.As(err, &denied) {
			t.Fatal(err)
		}
	}
	if want := "not authorised: need Write and Describe on TransactionalId relay-shop"; denied.Error() != want {
		t.Errorf("error is %q, want %q", denied, want)
	}
}

// Three brokers, leaders on all of them, compressed and not; and the loss of the one that coordinates.
func TestThreeBrokers(t *testing.T) {
	r, k := ownRelay(t, devstack.KafkaOptions{Nodes: 3})
	c := r.connect()
	if _, err := c.createTopics(t.Context(), map[string]*sarama.TopicDetail{
		"orders": detail(TopicSpec{Partitions: 6, ReplicationFactor: 3, MinInSync: 2}, nil),
	}); err != nil {
		t.Fatal(err)
	}
	seq, total := uint64(0), 0
	var p *Producer
	publish := func(n int) error {
		seq++
		commit := Commit{Batch: load("orders", n), FirstSeq: uint64(total + 1), Checkpoint: r.checkpoint(seq)}
		_, err := p.Publish(t.Context(), commit)
		if err == nil {
			total += n
		}
		return err
	}
	for _, r.cfg.Compression = range Compressions() {
		_, p, _ = r.session()
		if err := publish(5000); err != nil {
			t.Fatal(err)
		}
	}
	awaitEpoch(t, p)
	coordinator := slices.Index(k.Brokers(), p.coordinator.addr)
	if err := k.Kill(coordinator); err != nil {
		t.Fatal(err)
	}
	if err := publish(5000); err == nil {
		t.Fatal("committed without a coordinator")
	}
	var cp *Checkpoint
	_, p, cp = r.session()
	if cp.Seq != seq-1 {
		t.Fatalf("checkpoint is %d, want %d", cp.Seq, seq-1)
	}
	if err := publish(5000); err != nil {
		t.Fatal(err)
	}
	gapless(t, r.eventually("orders", total), "shop", 1, total)
}

// The official console consumer reads what we write, in every compression, and nothing of what was aborted.
func TestTheConsoleConsumerReadsWhatWasCommitted(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	var want []string
	seq := uint64(0)
	publish := func(p *Producer, n int) {
		batch := &outbox.Batch{}
		for range n {
			i := len(want)
			batch.Append(&outbox.Record{
				Topic: topic, Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, "value-%d", i), Partition: outbox.PartitionByKey,
				Headers: []outbox.Header{{Key: []byte("type"), Value: []byte("OrderPlaced")}}, Timestamp: time.Now().UnixMilli(),
			})
			want = append(want, fmt.Sprintf("type:OrderPlaced,relay-seq:%s/1700000000000/%d,relay-position:00000000-0000000000000000-00000000|key-%d|value-%d",
				r.cfg.Relay, i+1, i, i))
		}
		seq++
		first := uint64(len(want) - n + 1)
		if _, err := p.Publish(t.Context(), Commit{Batch: batch, FirstSeq: first, Checkpoint: r.checkpoint(seq)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r.cfg.Compression = range Compressions() {
		_, p, _ := r.session()
		publish(p, 20)
		leaveOpen(t, r, p, events(topic, 10), seq+1)
	}
	_, p, _ := r.session() // aborts the last of them
	publish(p, 1)          // the consumer stops at the last record, so one that was aborted would show before it

	command, err := devstack.KafkaTool(t.Context(), "org.apache.kafka.tools.consumer.ConsoleConsumer",
		"--bootstrap-server", r.brokers[0], "--topic", topic, "--from-beginning", "--isolation-level", "read_committed",
		"--max-messages", fmt.Sprint(len(want)), "--timeout-ms", "60000",
		"--formatter-property", "print.key=true", "--formatter-property", "print.headers=true",
		"--formatter-property", "key.separator=|", "--formatter-property", "headers.separator=,")
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(out)), "\n")); diff != "" {
		t.Error(diff)
	}
}
