package publisher

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

// newParkingRelay has a parked topic.
func newParkingRelay(t *testing.T, settings ...string) *relayUnderTest {
	t.Helper()
	r := newRelay(t)
	r.cfg.ParkedTopic = r.topic("parked", 1, append([]string{"cleanup.policy=compact"}, settings...)...)
	return r
}

// parkingSession is session with a barrier in the parked topic.
func (r *relayUnderTest) parkingSession() *Producer {
	r.t.Helper()
	if r.last != nil {
		r.last.rest()
	}
	c := r.connect()
	p, err := c.Fence(r.t.Context(), always)
	if err == nil {
		err = p.BarrierForParked(r.t.Context(), Barrier{Identity: r.identity(), Timeline: 1})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.last = p
	return p
}

func parkedAt(index uint32) *Parked {
	return &Parked{
		Position: outbox.Position{Timeline: 1, CommitLSN: 0x2000, Index: index}, Kind: ParkedRecord, ID: "e", Topic: "orders", Key: []byte("k"),
		Headers: []outbox.Header{{Key: []byte("type"), Value: []byte("Made")}, {Key: []byte("null"), Value: nil}}, Value: []byte(`{"n":1}`),
		Partition: outbox.PartitionByKey, Timestamp: 1, CommitTime: 2, XID: 3, Reason: "too_large", Detail: "why", Time: time.Unix(5, 0).UTC(),
	}
}

// live reads what is parked.
func (r *relayUnderTest) live(p *Producer) map[outbox.Position]*Parked {
	r.t.Helper()
	found := map[outbox.Position]*Parked{}
	err := p.ScanParked(r.t.Context(), func(at outbox.Position, e *Parked) error {
		delete(found, at)
		if e != nil {
			found[at] = e
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// own publishes own records with checkpoint seq.
func (r *relayUnderTest) own(p *Producer, seq uint64, fill func(*outbox.Batch)) (Result, error) {
	b := &outbox.Batch{}
	fill(b)
	return p.Publish(r.t.Context(), Commit{Own: b, Checkpoint: r.checkpoint(seq)})
}

// Parked events and holds are committed with their checkpoint, are there for the next session, and go with their
// tombstones; what a transaction that never committed has written is not there.
func TestParkedEventsAndHoldsComeBack(t *testing.T) {
	r := newParkingRelay(t)
	p := r.parkingSession()
	cfg := &p.c.cfg
	result, err := r.own(p, 1, func(b *outbox.Batch) {
		for i := range uint32(3) {
			e := parkedAt(i)
			e.Relay = r.cfg.Relay
			if i == 2 {
				e.Value, e.Key = nil, nil
			}
			if err := AppendParked(b, r.cfg.ParkedTopic, e); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"k", "gone"} {
			if err := cfg.AppendHold(b, Hold{Topic: "orders", Key: []byte(key), First: "first"}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err != nil || result.HoldsOffset < 0 || len(result.Ends) != 0 {
		t.Fatalf("result %+v, error %v", result, err)
	}
	p = r.parkingSession()
	_, err = r.own(p, 2, func(b *outbox.Batch) {
		AppendUnparked(b, r.cfg.ParkedTopic, parkedAt(0).Position)
		cfg.AppendReleased(b, "orders", []byte("gone"))
	})
	if err != nil {
		t.Fatal(err)
	}
	p = r.parkingSession()
	found := r.live(p)
	if len(found) != 2 || found[parkedAt(2).Position].Value != nil || found[parkedAt(2).Position].Key != nil {
		t.Errorf("parked are %+v", found)
	}
	got := *found[parkedAt(1).Position]
	want := *parkedAt(1)
	want.Relay, want.Offset = r.cfg.Relay, got.Offset
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("came back as (-want +got):\n%s", diff)
	}
	holds, err := p.ReadHolds(t.Context())
	if err != nil || len(holds) != 1 || string(holds[0].Key) != "k" || holds[0].First != "first" {
		t.Errorf("holds are %+v, error %v", holds, err)
	}
	var fetched []uint32
	err = p.FetchParked(t.Context(), []int64{found[parkedAt(2).Position].Offset, got.Offset}, func(e *Parked) error {
		fetched = append(fetched, e.Position.Index)
		return nil
	})
	if err != nil || !slices.Equal(fetched, []uint32{1, 2}) {
		t.Errorf("fetched %v, error %v", fetched, err)
	}
}

// A record of our own that Kafka does not take is named, and nothing of its transaction is visible.
func TestOwnRecordsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		topic    func(*relayUnderTest) string
		reason   string
		record   int
	}{
		"too large": {[]string{"max.message.bytes=1500"}, func(r *relayUnderTest) string { return r.cfg.ParkedTopic }, "larger than the topic's max.message.bytes", 1},
		"no topic": {nil, func(r *relayUnderTest) string {
			r.cfg.ParkedTopic += "-missing"
			return r.cfg.ParkedTopic
		}, "does not exist", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newParkingRelay(t, c.settings...)
			topic := c.topic(r)
			_, p, _ := r.session()
			_, err := r.own(p, 1, func(b *outbox.Batch) {
				for i, size := range []int{10, 3000, 10} {
					e := parkedAt(uint32(i))
					e.Value = bytes.Repeat([]byte("x"), size)
					if err := AppendParked(b, topic, e); err != nil {
						t.Fatal(err)
					}
				}
			})
			own, ok := errors.AsType[*OwnError](err)
			if !ok || own.Record != c.record || !strings.Contains(own.Reason, c.reason) {
				t.Errorf("error is %v", err)
			}
			if _, _, cp := r.session(); cp != nil {
				t.Errorf("checkpoint %+v was committed", cp)
			}
		})
	}
	r := newParkingRelay(t)
	_, p, _ := r.session()
	_, err := r.own(p, 1, func(b *outbox.Batch) { b.Append(&outbox.Record{Topic: "orders", Partition: 0}) })
	if err == nil {
		t.Error("an event passed for a record of our own")
	}
}

// All records of a transaction that Kafka does not take are named at once, each with its reason, whatever their
// partitions: else ten thousand of them would need ten thousand sessions.
func TestAllRefusedRecordsAreNamedTogether(t *testing.T) {
	r := newRelay(t)
	small := r.topic("small", 2, "max.message.bytes=2000")
	_, p, _ := r.session()
	batch := &outbox.Batch{}
	want := map[int]Cause{}
	for i := range 200 {
		rec := outbox.Record{
			Topic: small, Key: fmt.Appendf(nil, "k%d", i), Value: []byte("v"), Partition: outbox.PartitionByKey, Timestamp: time.Now().UnixMilli(),
		}
		switch {
		case i%20 == 3:
			rec.Value, want[i] = bytes.Repeat([]byte("x"), 3000), CauseTooLarge
		case i%50 == 7:
			rec.Timestamp += 48 * time.Hour.Milliseconds()
			want[i] = CauseTimestamp
		}
		batch.Append(&rec)
	}
	_, err := p.Publish(t.Context(), Commit{Batch: batch, FirstSeq: 1, Checkpoint: r.checkpoint(1)})
	e, ok := errors.AsType[*EventError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	got := map[int]Cause{}
	for _, one := range e.All() {
		for _, i := range one.Records {
			got[i] = one.Cause
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	if _, _, cp := r.session(); cp != nil || len(r.read(small)) != 0 {
		t.Errorf("part of it is visible: checkpoint %+v", cp)
	}
}

// Whatever an event holds, it comes back as it was parked.
func TestParkedLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(label string) []byte {
			b := rapid.SliceOf(rapid.Byte()).Draw(t, label)
			if len(b) == 0 && rapid.Bool().Draw(t, label+" is null") {
				return nil
			}
			return append([]byte{}, b...)
		}
		e := parkedAt(rapid.Uint32().Draw(t, "index"))
		e.Key, e.Value, e.Behind = maybe("key"), maybe("value"), rapid.SampledFrom([]string{"", "x"}).Draw(t, "behind")
		e.Headers = nil
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			e.Headers = append(e.Headers, outbox.Header{Key: []byte("h"), Value: maybe("header")})
		}
		var b outbox.Batch
		if err := AppendParked(&b, "parked", e); err != nil {
			t.Fatal(err)
		}
		rec := b.At(0)
		record := &sarama.Record{Key: rec.Key, Value: rec.Value}
		for _, h := range rec.Headers {
			record.Headers = append(record.Headers, &sarama.RecordHeader{Key: h.Key, Value: h.Value})
		}
		at, got, ours, err := decodeParked(committed{record: record})
		if err != nil || !ours || at != e.Position {
			t.Fatalf("decoded %v %v: %v", at, ours, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Fatalf("came back as (-want +got):\n%s", diff)
		}
	})
}

// What no relay has written under a position is no event; what one of a newer version has written is refused.
func TestForeignParkedRecords(t *testing.T) {
	if _, _, ours, err := decodeParked(committed{record: &sarama.Record{Key: []byte("note"), Value: []byte("x")}}); ours || err != nil {
		t.Errorf("a note is ours: %v, %v", ours, err)
	}
	at := []byte(parkedAt(0).Position.String())
	meta := func(text string) []*sarama.RecordHeader {
		return []*sarama.RecordHeader{{Key: []byte(HeaderParked), Value: []byte(text)}, {Key: []byte(HeaderParkedKey)}}
	}
	for name, headers := range map[string][]*sarama.RecordHeader{
		"none": nil, "no JSON": meta("x"), "newer": meta(`{"format":99}`),
	} {
		if _, _, _, err := decodeParked(committed{record: &sarama.Record{Key: at, Value: []byte("x"), Headers: headers}}); !errors.Is(err, ErrUndecodable) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
