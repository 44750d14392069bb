package publisher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/outbox"
)

func TestCommittedEventsAndCheckpointAreRead(t *testing.T) {
	r := newRelay(t)
	orders, refunds := r.topic("orders", 3), r.topic("refunds", 2)
	_, p, cp := r.session()
	if cp != nil {
		t.Fatalf("checkpoint of a new relay is %+v", cp)
	}
	batch := events(orders, 40)
	events(refunds, 20).MoveTail(outbox.Mark{}, batch)
	result := r.publish(p, 1, batch)
	got := append(r.eventually(orders, 40), r.eventually(refunds, 20)...)
	if len(got) != 60 {
		t.Errorf("%d records, want 60", len(got))
	}
	gapless(t, got, r.cfg.Relay, 1, 60)
	if len(result.Ends) != 5 || result.CheckpointOffset <= 0 || result.Bytes <= 0 {
		t.Errorf("result is %+v", result)
	}
	if _, _, cp = r.session(); cp == nil || cp.Seq != 1 || cp.ResumeLSN != 0x1001 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
}

// gapless checks relay-seq as a reader of all topics would: each number from first to last, once.
func gapless(t *testing.T, records []committed, relay string, first, last int) {
	t.Helper()
	var seqs []int
	for _, r := range records {
		text, ok := strings.CutPrefix(header(r.record, HeaderSeq), relay+"/1700000000000/")
		n, err := strconv.Atoi(text)
		if !ok || err != nil {
			t.Fatalf("relay-seq is %q", header(r.record, HeaderSeq))
		}
		seqs = append(seqs, n)
	}
	slices.Sort(seqs)
	for i, n := range seqs {
		if n != first+i {
			t.Fatalf("relay-seq %d is followed by %d", first+i-1, n)
		}
	}
	if len(seqs) != last-first+1 {
		t.Fatalf("%d numbers, want %d to %d", len(seqs), first, last)
	}
}

func TestEverySortOfRecordComesBackAsItWas(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("sorts", 1)
	_, p, _ := r.session()
	now := time.Now().Truncate(time.Millisecond)
	batch := &outbox.Batch{}
	batch.Append(&outbox.Record{Topic: topic, Key: []byte("k"), Partition: outbox.PartitionByKey, Timestamp: now.UnixMilli()}) // a tombstone
	batch.Append(&outbox.Record{Topic: topic, Value: []byte{}, Partition: 0, Timestamp: now.UnixMilli()})
	batch.Append(&outbox.Record{
		Topic: topic, Key: []byte{}, Value: []byte("v\x00\xff"), Partition: outbox.PartitionByKey, Timestamp: now.Add(-time.Hour).UnixMilli(),
		Headers: []outbox.Header{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a"), Value: nil}},
	})
	r.publish(p, 1, batch)
	type shown struct{ Key, Value []byte }
	var got []shown
	for _, c := range r.eventually(topic, 3) {
		got = append(got, shown{c.record.Key, c.record.Value})
	}
	want := []shown{{[]byte("k"), nil}, {nil, []byte{}}, {[]byte{}, []byte("v\x00\xff")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKeysKeepTheirOrderAndTheirPartition(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("keys", 5)
	_, p, _ := r.session()
	for seq := range uint64(3) {
		batch := &outbox.Batch{}
		for i := range 3000 {
			batch.Append(&outbox.Record{
				Topic: topic, Key: fmt.Appendf(nil, "key-%d", rand.IntN(40)), Value: fmt.Appendf(nil, "%d", int(seq)*3000+i),
				Partition: outbox.PartitionByKey, Timestamp: time.Now().UnixMilli(),
			})
		}
		r.publish(p, seq+1, batch)
	}
	last := map[string]int{}
	for _, c := range r.eventually(topic, 9000) {
		key := string(c.record.Key)
		n, err := strconv.Atoi(string(c.record.Value))
		if err != nil {
			t.Fatal(err)
		}
		if before, seen := last[key]; seen && before >= n {
			t.Fatalf("key %s: %d comes before %d", key, before, n)
		}
		last[key] = n
	}
}

func TestAllCompressionsRoundTrip(t *testing.T) {
	for _, compression := range Compressions() {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, func(c *Config) { c.Compression = compression })
			topic := r.topic("packed", 4)
			_, p, _ := r.session()
			batch := mixed(topic, 8000)
			result := r.publish(p, 1, batch)
			got := r.eventually(topic, batch.Len())
			gapless(t, got, r.cfg.Relay, 1, batch.Len())
			want := map[string][]byte{}
			for i := range batch.Len() {
				e := batch.At(i)
				want[string(e.Key)] = e.Value
			}
			for _, c := range got {
				if !bytes.Equal(want[string(c.record.Key)], c.record.Value) {
					t.Fatalf("value of key %q differs", c.record.Key)
				}
			}
			if len(got) != batch.Len() || len(result.Ends) != 4 {
				t.Errorf("%d records of %d, ends %v", len(got), batch.Len(), result.Ends)
			}
		})
	}
}

// mixed makes records of very different sizes, some of which no codec makes smaller.
func mixed(topic string, n int) *outbox.Batch {
	batch := &outbox.Batch{}
	noise := make([]byte, 1<<16)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for i := range n {
		value := bytes.Repeat([]byte("abc"), i%200)
		if i%100 == 0 {
			value = noise[i%1000:][:i*8%60000]
		}
		batch.Append(&outbox.Record{
			Topic: topic, Key: fmt.Appendf(nil, "k%d", i), Value: value, Partition: outbox.PartitionByKey, Timestamp: time.Now().UnixMilli(),
		})
	}
	return batch
}

func TestALargeTransactionIsWhole(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("large", 6)
	_, p, _ := r.session()
	result := r.publish(p, 1, load(topic, 50000))
	if got := r.eventually(topic, 50000); len(got) != 50000 {
		t.Errorf("%d records", len(got))
	}
	if len(result.Ends) != 6 {
		t.Errorf("ends: %v", result.Ends)
	}
}

func TestAFencedProducerCannotCommit(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, old, _ := r.session()
	r.publish(old, 1, events(topic, 1))
	_, young, _ := r.session()
	_, err := old.Publish(t.Context(), Commit{Batch: events(topic, 5), FirstSeq: 2, Checkpoint: r.checkpoint(2)})
	if !errors.Is(err, ErrFenced) {
		t.Errorf("error is %v, want ErrFenced", err)
	}
	if !errors.Is(old.Err(), ErrFenced) {
		t.Errorf("the producer says %v", old.Err())
	}
	select {
	case <-old.Done():
	default:
		t.Error("the fenced producer is not done")
	}
	r.publish(young, 2, events(topic, 1))
	if got := r.eventually(topic, 2); len(got) != 2 {
		t.Errorf("%d records, want the two of the transactions that committed", len(got))
	}
}

// One epoch for each transaction; a transaction that a crash left open costs the next session one more.
func TestEpochsGrow(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	id, epoch := awaitEpoch(t, p)
	for seq := range uint64(4) {
		r.publish(p, seq+1, events(topic, 3))
		gotID, got := awaitEpoch(t, p)
		if epoch++; gotID != id || got != epoch {
			t.Fatalf("producer %d epoch %d, want %d and %d", gotID, got, id, epoch)
		}
	}
	leaveOpen(t, r, p, events(topic, 1), 5)
	c := r.connect()
	young, err := c.Fence(t.Context(), always)
	if err != nil {
		t.Fatal(err)
	}
	if _, got := young.Epoch(); got != epoch+2 {
		t.Errorf("epoch over an open transaction is %d, want %d", got, epoch+2)
	}
}

// awaitEpoch waits until the work behind the last commit is done, and gives the identity of the next transaction.
func awaitEpoch(t *testing.T, p *Producer) (int64, int16) {
	t.Helper()
	p.rest()
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return p.Epoch()
}

// leaveOpen does all of a transaction but its commit, as a process does that is killed before it.
func leaveOpen(t *testing.T, r *relayUnderTest, p *Producer, batch *outbox.Batch, seq uint64) {
	t.Helper()
	p.turn.Lock()
	defer p.turn.Unlock()
	if err := p.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	plan, err := p.c.Plan(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := p.job(t.Context(), Commit{Batch: batch, FirstSeq: 100, Checkpoint: r.checkpoint(seq)}, plan)
	if err != nil {
		t.Fatal(err)
	}
	p.lay(j)
	if err := p.add(t.Context(), p.identity(), plan); err != nil {
		t.Fatal(err)
	}
	if _, err := p.produce(t.Context(), p.identity(), j); err != nil {
		t.Fatal(err)
	}
}

// A relay that was stopped between its commit and the bump behind it wakes up when another has taken over. A coordinator
// does not look at the epoch while a transaction is open (TransactionCoordinator.prepareInitProducerIdTransit, state
// Ongoing), so the late call may abort the open transaction of the other, which then needs a new session. It never
// revives the sleeper, and nothing is lost or doubled.
func TestALateBumpDoesNotReviveAZombie(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, zombie, _ := r.session()
	r.publish(zombie, 1, events(topic, 1))
	asleep, _ := awaitEpoch(t, zombie)
	_, young, _ := r.session()
	leaveOpen(t, r, young, events(topic, 1), 2)
	if err := zombie.bump(); !errors.Is(err, ErrFenced) {
		t.Errorf("bump of the zombie, producer %d: error %v, want ErrFenced", asleep, err)
	}
	if _, err := zombie.Publish(t.Context(), Commit{Batch: events(topic, 1), FirstSeq: 2, Checkpoint: r.checkpoint(2)}); err == nil {
		t.Error("the zombie has published")
	}
	err := young.commit(t.Context(), young.identity(), &job{})
	t.Logf("commit of the transaction that was open meanwhile: %v", err)
	if err != nil && !errors.Is(err, ErrFenced) {
		t.Error(err)
	}
	_, last, cp := r.session()
	want := uint64(1)
	if err == nil {
		want = 2
	}
	if cp == nil || cp.Seq != want || len(r.read(topic)) != int(want) {
		t.Errorf("checkpoint is %+v with %d events, want seq %d", cp, len(r.read(topic)), want)
	}
	r.publish(last, want+1, events(topic, 1))
}

func TestPartitionsAreAddedAheadOnlyWhenAnnounced(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 2)
	c, p, _ := r.session()
	plan := func(b *outbox.Batch) *Plan {
		plan, err := c.Plan(t.Context(), b, nil)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	one, two := events(topic, 5), events(topic, 5)
	first, second := plan(one), plan(two)
	awaitEpoch(t, p)
	p.Announce(second)
	if _, err := p.Publish(t.Context(), Commit{Batch: one, Plan: first, FirstSeq: 1, Checkpoint: r.checkpoint(1)}); err != nil {
		t.Fatal(err)
	}
	awaitEpoch(t, p)
	ahead := len(r.log.of(actionAdd))
	if _, err := p.Publish(t.Context(), Commit{Batch: two, Plan: second, FirstSeq: 6, Checkpoint: r.checkpoint(2)}); err != nil {
		t.Fatal(err)
	}
	awaitEpoch(t, p)
	// One for the barrier, one for each batch; the second batch's came before it was published, and nothing after it.
	if now := len(r.log.of(actionAdd)); ahead != 3 || now != 3 {
		t.Errorf("%d calls before the second batch, %d after it, want 3 and 3:\n%s", ahead, now, strings.Join(r.log.all(), "\n"))
	}
	gapless(t, r.eventually(topic, 10), r.cfg.Relay, 1, 10)
}

func TestAnAnnouncedBatchMayBePreceded(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 4)
	c, p, _ := r.session()
	batch := events(topic, 8)
	plan, err := c.Plan(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Announce(plan)
	r.publish(p, 1, nil)
	r.publish(p, 2, nil) // a checkpoint alone, although the partitions of the batch are in its transaction
	if _, err := p.Publish(t.Context(), Commit{Batch: batch, Plan: plan, FirstSeq: 1, Checkpoint: r.checkpoint(3)}); err != nil {
		t.Fatal(err)
	}
	gapless(t, r.eventually(topic, 8), r.cfg.Relay, 1, 8)
}

func TestPublishEndsWithItsContext(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	why := errors.New("the slot is lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := p.Publish(ctx, Commit{Batch: events(topic, 1), FirstSeq: 1, Checkpoint: r.checkpoint(1)}); !errors.Is(err, why) {
		t.Errorf("error is %v, want its cause", err)
	}
	if _, err := p.Publish(t.Context(), Commit{Batch: events(topic, 1), FirstSeq: 1, Checkpoint: r.checkpoint(1)}); !errors.Is(err, why) {
		t.Errorf("a producer whose transaction is in doubt went on: %v", err)
	}
	if got := r.read(topic); len(got) != 0 {
		t.Errorf("%d records are visible", len(got))
	}
}

func TestACloseEndsWhatIsGoingOn(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	c, p, _ := r.session()
	_ = c.Close()
	if _, err := p.Publish(t.Context(), Commit{Batch: events(topic, 1), FirstSeq: 1, Checkpoint: r.checkpoint(1)}); err == nil {
		t.Error("published over closed connections")
	}
	if _, err := c.Look(t.Context()); err == nil {
		t.Error("looked over closed connections")
	}
	_ = c.Close()
}

// A log that gives an offset away a second time has lost what was there.
func TestAnOffsetGivenTwiceIsNotCommitted(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	cp := r.checkpoint(1)
	cp.Ends = []End{{Topic: topic, Partition: 0, Offset: 0}}
	_, err := p.Publish(t.Context(), Commit{Batch: events(topic, 1), FirstSeq: 1, Checkpoint: cp})
	want := &OffsetError{Topic: topic, Partition: 0, Got: 0, Known: 0}
	var got *OffsetError
	if !errors.As(err, &got) || *got != *want {
		t.Errorf("error is %v, want %v", err, want)
	}
	if _, _, cp := r.session(); cp != nil {
		t.Errorf("the checkpoint was committed: %+v", cp)
	}
	if got := r.read(topic); len(got) != 0 {
		t.Errorf("%d records are visible", len(got))
	}
}
