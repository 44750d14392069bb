package publisher

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func TestAnAbortedCheckpointIsNotBelieved(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	r.publish(p, 1, events(topic, 1))
	leaveOpen(t, r, p, events(topic, 1), 2)
	c, young, cp := r.session()
	if cp == nil || cp.Seq != 1 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
	// Without our filter it would have been believed: the record with seq 2 lies right before the barrier.
	log, err := c.openLog(young.checkpoint, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw := rawFetch(t, log, 0)
	var last *sarama.RecordBatch
	for _, set := range raw.RecordsSet {
		if b := set.RecordBatch; !b.Control && b.FirstOffset < young.barrierAt {
			last = b
		}
	}
	if !strings.Contains(string(last.Records[0].Value), `"seq":2,`) {
		t.Errorf("the last record before the barrier is %s", last.Records[0].Value)
	}
}

func rawFetch(t *testing.T, log *partitionLog, from int64) *sarama.FetchResponseBlock {
	t.Helper()
	request := &sarama.FetchRequest{Version: 11, MinBytes: 1, MaxWaitTime: 500, MaxBytes: fetchBytes, Isolation: sarama.ReadCommitted, SessionEpoch: -1}
	request.AddBlock(log.topic, log.partition, from, fetchBytes, -1)
	answer, err := log.conn.Fetch(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetBlock(log.topic, log.partition)
}

func TestTheLastOfManyCheckpointsIsRead(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	for seq := range uint64(150) {
		r.publish(p, seq+1, nil)
	}
	// Barriers without a checkpoint push it out of the first window.
	for range firstWindow {
		if err := p.Barrier(t.Context(), Barrier{Identity: r.identity(), Timeline: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, cp := r.session(); cp == nil || cp.Seq != 150 {
		t.Errorf("checkpoint is %+v, want seq 150", cp)
	}
}

// other is another producer on the same topics, with a transaction of its own.
func (r *relayUnderTest) other(checkpointTopic string) (*relayUnderTest, *Producer) {
	r.t.Helper()
	o := *r
	o.log = &protocolLog{}
	o.cfg.Relay = r.cfg.Relay + "other"
	o.cfg.CheckpointTopic = checkpointTopic
	_, p, err := o.open()
	if err != nil {
		r.t.Fatal(err)
	}
	return &o, p
}

func (r *relayUnderTest) open() (*Client, *Producer, error) {
	c := r.connect()
	p, err := c.Fence(r.t.Context(), always)
	return c, p, err
}

func TestATransactionOnAnotherTopicDoesNotMatter(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	elsewhere := r.topic("elsewhere", 1, "cleanup.policy=compact")
	o, open := r.other(elsewhere)
	leaveOpen(t, o, open, events(topic, 1), 1)
	_, p, _ := r.session()
	r.publish(p, 1, events(topic, 1))
	if _, _, cp := r.session(); cp == nil || cp.Seq != 1 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
}

// Another producer's transaction on our own partition hides what is committed behind it. Reading to the end would find
// the checkpoint before it, and publish the events of the hidden one again.
func TestACheckpointBehindAnOpenTransactionIsNotMissed(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	r.publish(p, 1, nil)
	o, open := r.other(r.cfg.CheckpointTopic)
	leaveOpen(t, o, open, nil, 1)
	r.publish(p, 2, nil)

	c := r.connect()
	young, err := c.Fence(t.Context(), always)
	if err != nil {
		t.Fatal(err)
	}
	if err := young.Barrier(t.Context(), Barrier{Identity: r.identity(), Timeline: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if cp, err := young.ReadCheckpoint(ctx); !errors.Is(err, ErrBarrierUnseen) {
		t.Errorf("read %+v, error %v, want ErrBarrierUnseen", cp, err)
	}
	if _, _, err := o.open(); err != nil { // aborts it
		t.Fatal(err)
	}
	if _, _, cp := r.session(); cp == nil || cp.Seq != 2 {
		t.Errorf("checkpoint is %+v, want seq 2", cp)
	}
}

// A topic that was recreated gives the barrier's offset to another record.
func TestAnotherRecordAtTheBarriersOffsetIsNotTheBarrier(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	for _, who := range []identity{{p.barrier.producerID, p.barrier.epoch - 1}, {p.barrier.producerID + 1, p.barrier.epoch}} {
		if cp, err := p.c.readBefore(t.Context(), p.checkpoint, p.barrierAt, who); !errors.Is(err, ErrBarrierUnseen) {
			t.Errorf("read %+v, error %v, want ErrBarrierUnseen", cp, err)
		}
	}
	at := r.publish(p, 1, nil).CheckpointOffset
	if cp, err := p.c.readBefore(t.Context(), p.checkpoint, at, identity{p.barrier.producerID, p.barrier.epoch + 1}); !errors.Is(err, ErrBarrierUnseen) {
		t.Errorf("a checkpoint was taken for the barrier: %+v, error %v", cp, err)
	}
}

func TestForeignRecordsRefuse(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	r.publish(p, 1, nil)
	o, foreign := r.other(r.cfg.CheckpointTopic)
	o.publish(foreign, 1, nil)
	c, young, err := r.open()
	if err != nil {
		t.Fatal(err)
	}
	if err := young.Barrier(t.Context(), Barrier{Identity: r.identity(), Timeline: 1}); err != nil {
		t.Fatal(err)
	}
	var found *ForeignRecordError
	if cp, err := young.ReadCheckpoint(t.Context()); !errors.As(err, &found) {
		t.Errorf("read %+v, error %v, want a foreign record", cp, err)
	} else if want := `relay "` + o.cfg.Relay + `"`; found.What != want {
		t.Errorf("it says %s, want %s", found.What, want)
	}
	if _, err := c.Look(t.Context()); !errors.As(err, &found) {
		t.Errorf("look: error %v, want a foreign record", err)
	}
}

func TestWhatIsNotACheckpointRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		key, value string
		want       error
	}{
		"unknown key":  {"hold/orders/k", "{}", nil},
		"newer format": {keyCheckpoint, `{"format":2}`, ErrUndecodable},
		"tombstone":    {keyCheckpoint, "", ErrUndecodable},
		"bad barrier":  {keyBarrier, `{"format":1}`, ErrUndecodable}, // it may be of a later timeline
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t)
			c1, p, _ := r.session()
			r.publish(p, 1, nil)
			commitRaw(t, p, c.key, c.value)
			awaitEpoch(t, p)
			refuses := func(err error) bool {
				var foreign *ForeignRecordError
				return c.want == nil && errors.As(err, &foreign) || c.want != nil && errors.Is(err, c.want)
			}
			if look, err := c1.Look(t.Context()); !refuses(err) {
				t.Errorf("look shows %+v, error %v, want %v", look, err, c.want)
			}
			if _, cp, err := r.start(r.connect()); !refuses(err) {
				t.Errorf("session reads %+v, error %v, want %v", cp, err, c.want)
			}
		})
	}
}

// What a person has decided about a record that cannot be read is a newer one under its key; it then counts.
func TestANewerRecordTakesThePlaceOfOneThatCannotBeRead(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	commitRaw(t, p, keyCheckpoint, `{"format":2}`)
	r.publish(p, 7, nil)
	if _, _, cp := r.session(); cp == nil || cp.Seq != 7 {
		t.Errorf("checkpoint is %+v, want seq 7", cp)
	}
}

// commitRaw commits a record of any form in the checkpoint partition.
func commitRaw(t *testing.T, p *Producer, key, value string) {
	t.Helper()
	p.turn.Lock()
	defer p.turn.Unlock()
	if err := p.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := &job{control: sarama.Record{Key: []byte(key)}, stamp: newStamp("x", 1, 1, 0, time.Now())}
	if value != "" {
		j.control.Value = []byte(value)
	}
	if _, err := p.transact(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

func TestNoneIsNotBelievedWhenTheBeginningIsGone(t *testing.T) {
	r := newRelay(t)
	c, p, _ := r.session()
	log, err := c.openLog(p.checkpoint, 0)
	if err != nil {
		t.Fatal(err)
	}
	end := awaitOffset(t, log, p.barrierAt+1)
	r.set(c, r.cfg.CheckpointTopic, "cleanup.policy", "compact,delete")               // records of a topic that is compacted only stay
	for refused := sarama.ErrPolicyViolation; refused == sarama.ErrPolicyViolation; { // the setting arrives a little later
		deleted, err := log.conn.DeleteRecords(&sarama.DeleteRecordsRequest{
			Topics:  map[string]*sarama.DeleteRecordsRequestTopic{log.topic: {PartitionOffsets: map[int32]int64{0: end}}},
			Timeout: 10 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		refused = deleted.Topics[log.topic].Partitions[0].Err
		if refused != sarama.ErrNoError && refused != sarama.ErrPolicyViolation {
			t.Fatal(refused)
		}
	}
	r.set(c, r.cfg.CheckpointTopic, "cleanup.policy", "compact")
	if _, cp, err := r.start(r.connect()); !errors.Is(err, ErrLogTruncated) {
		t.Errorf("read %+v, error %v, want ErrLogTruncated", cp, err)
	}
}

// awaitOffset waits until everything before an offset is visible.
func awaitOffset(t *testing.T, log *partitionLog, want int64) int64 {
	t.Helper()
	for {
		end, err := log.offset(t.Context(), sarama.OffsetNewest, sarama.ReadCommitted)
		if err != nil {
			t.Fatal(err)
		}
		if end >= want {
			return end
		}
	}
}

// A relay on a server that was promoted later has fenced and gone; another one, on the old server, came after it. Both
// its own reading and a look from outside must show that it was left behind.
func TestTheFurthestTimelineIsSeen(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	r.publish(p, 1, nil)
	for _, timeline := range []uint32{2, 3, 1} {
		p.rest()
		c := r.connect()
		var err error
		if p, err = c.Fence(t.Context(), always); err != nil {
			t.Fatal(err)
		}
		if err := p.Barrier(t.Context(), Barrier{Identity: r.identity(), Timeline: timeline}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := p.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found.Checkpoint.Seq != 1 || found.Furthest.Timeline != 3 {
		t.Errorf("found checkpoint %d and a barrier of timeline %d, want 1 and 3", found.Checkpoint.Seq, found.Furthest.Timeline)
	}
	look, err := r.connect().Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if look.Barrier.Timeline != 1 || look.Furthest.Timeline != 3 {
		t.Errorf("newest barrier of timeline %d, furthest of %d, want 1 and 3", look.Barrier.Timeline, look.Furthest.Timeline)
	}
	r.publish(p, 2, nil)
	if look, err = r.connect().Look(t.Context()); err != nil || look.Furthest.Timeline != 1 {
		t.Errorf("behind a newer checkpoint: furthest %+v, error %v; want timeline 1", look.Furthest, err)
	}
}

func TestLook(t *testing.T) {
	r := newRelay(t)
	c := r.connect()
	if look, err := c.Look(t.Context()); err != nil || look.Barrier != nil || look.Checkpoint != nil {
		t.Errorf("an empty topic shows %+v, %v", look, err)
	}
	_, p, _ := r.session()
	if look, err := c.Look(t.Context()); err != nil || look.Barrier == nil || look.Checkpoint != nil || look.Barrier.Relay != r.cfg.Relay {
		t.Errorf("after the barrier: %+v, %v", look, err)
	}
	for seq := range uint64(100) {
		r.publish(p, seq+1, nil)
	}
	awaitEpoch(t, p) // the last commit is visible when its markers are written
	id, epoch := p.Epoch()
	look, err := c.Look(t.Context())
	if err != nil || look.Checkpoint == nil || look.Checkpoint.Seq != 100 || look.Barrier == nil || look.BarrierOffset != p.barrierAt {
		t.Errorf("after 100 transactions: %+v, %v", look, err)
	}
	if gotID, got := p.Epoch(); gotID != id || got != epoch || r.publish(p, 101, nil).CheckpointOffset == 0 {
		t.Error("the look has changed something")
	}
	_, young, _ := r.session()
	look, err = c.Look(t.Context())
	if err != nil || look.Checkpoint == nil || look.Checkpoint.Seq != 101 || look.BarrierOffset != young.barrierAt {
		t.Errorf("after another session: %+v, %v", look, err)
	}
}

func TestLookWithoutATopic(t *testing.T) {
	k := devstacktest.Kafka(t)
	c, err := Connect(t.Context(), Config{Brokers: k.Brokers, Relay: k.Prefix, CheckpointTopic: k.Prefix + ".checkpoints"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Look(t.Context()); !errors.Is(err, ErrNoTopic) {
		t.Errorf("look: %v, want ErrNoTopic", err)
	}
	if _, err := c.Fence(t.Context(), always); !errors.Is(err, ErrNoTopic) {
		t.Errorf("fence: %v, want ErrNoTopic", err)
	}
	if m, err := devstack.AskMetadata(t.Context(), k.Brokers[0]); err != nil || strings.Contains(strings.Join(m.Topics, " "), k.Prefix) {
		t.Errorf("looking has created a topic: %v %v", m.Topics, err)
	}
}
