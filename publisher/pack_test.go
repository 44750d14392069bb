package publisher

import (
	"net"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

// packed is a transaction's records for one partition in sarama's form.
func packed(batch *outbox.Batch, s stamp, config topicConfig) *sarama.RecordBatch {
	l := laneOf(batch.Len())
	l.topic.config = config
	w := &work{who: identity{producerID: 5, epoch: 3}, batch: batch, stamp: s}
	p := newPacker()
	p.room(w.sizes([]part{{lane: l, from: 0, to: batch.Len()}}))
	return p.events(l, 0, batch.Len(), w)
}

func headers(r *sarama.Record) [][2]string {
	var all [][2]string
	for _, h := range r.Headers {
		all = append(all, [2]string{string(h.Key), string(h.Value)})
	}
	return all
}

func TestOurHeadersComeLast(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)
	batch := &outbox.Batch{}
	batch.Append(&outbox.Record{
		Headers:   []outbox.Header{{Key: []byte("type"), Value: []byte("OrderPlaced")}, {Key: []byte("nothing")}},
		Timestamp: now.UnixMilli(), Position: outbox.Position{Timeline: 2, CommitLSN: 0x16B374D848, Index: 7},
	})
	batch.Append(&outbox.Record{Timestamp: now.Add(-100 * 24 * time.Hour).UnixMilli()})
	got := packed(batch, newStamp("shop", 1700000000000, 41, 3, now), defaultTopicConfig())

	want := [][2]string{
		{"type", "OrderPlaced"},
		{"nothing", ""},
		{"relay-seq", "shop/1700000000000/41"},
		{"relay-position", "00000002-00000016B374D848-00000007"},
		{"relay-piece", "3"},
	}
	if diff := cmp.Diff(want, headers(got.Records[0])); diff != "" {
		t.Error(diff)
	}
	if got.Records[0].Headers[1].Value != nil {
		t.Error("a null header value has become an empty one")
	}
	want = [][2]string{
		{"relay-seq", "shop/1700000000000/42"},
		{"relay-position", "00000000-0000000000000000-00000000"},
		{"relay-piece", "3"},
		{"relay-commit-time", "2026-08-16T09:41:07.000Z"},
	}
	if diff := cmp.Diff(want, headers(got.Records[1])); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsThatTheBrokerWouldDeleteGetThePublishTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)
	s := newStamp("shop", 1, 1, 0, now)
	for _, c := range []struct {
		name   string
		age    time.Duration
		oldest time.Duration
		want   time.Duration // age of the record in Kafka
	}{
		{"young", time.Hour, 3 * time.Hour, time.Hour},
		{"exactly as old", 3 * time.Hour, 3 * time.Hour, 3 * time.Hour},
		{"too old", 3*time.Hour + time.Millisecond, 3 * time.Hour, 0},
		{"old, but kept for ever", 1000 * time.Hour, -1, 1000 * time.Hour},
		{"before 1970", 100 * 365 * 24 * time.Hour, -1, 0},
		{"in the future", -time.Hour, 3 * time.Hour, -time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			ms, replaced := s.timestamp(now.Add(-c.age).UnixMilli(), c.oldest)
			if got := now.Sub(time.UnixMilli(ms)); got != c.want || replaced != (c.want != c.age) {
				t.Errorf("record is %v old in Kafka, replaced: %v; want %v", got, replaced, c.want)
			}
		})
	}
}

func TestTimestampsOfABatch(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	batch := &outbox.Batch{}
	for _, ms := range []int64{1_799_999_999_000, 1_800_000_000_500, 1_799_999_998_000} {
		batch.Append(&outbox.Record{Timestamp: ms})
	}
	got := packed(batch, newStamp("shop", 1, 1, 0, now), defaultTopicConfig())
	if got.FirstTimestamp.UnixMilli() != 1_799_999_999_000 || got.MaxTimestamp.UnixMilli() != 1_800_000_000_500 {
		t.Errorf("first %v, max %v", got.FirstTimestamp.UnixMilli(), got.MaxTimestamp.UnixMilli())
	}
	for i, r := range got.Records {
		if at := got.FirstTimestamp.Add(r.TimestampDelta).UnixMilli(); at != batch.Timestamp(i) || r.OffsetDelta != int64(i) {
			t.Errorf("record %d: time %d, offset delta %d", i, at, r.OffsetDelta)
		}
	}
}

// counting is a connection to nowhere that counts what is written.
type counting struct {
	nowhere
	n *int
}

func (c counting) Dial(string, string) (net.Conn, error) { return c, nil }

func (c counting) Write(p []byte) (int, error) {
	*c.n += len(p)
	return len(p), nil
}

// The size that a batch is cut by is never below what sarama encodes, else the broker refuses batches as too large.
func TestSizesAreAnUpperBound(t *testing.T) {
	written := 0
	config := newSaramaConfig(&Config{Relay: "x"}, time.Second)
	config.ApiVersionsRequest = false
	broker := &conn{}
	if err := broker.open(config, counting{n: &written}); err != nil {
		t.Fatal(err)
	}
	defer broker.Broker.Close()
	send := func(batch *sarama.RecordBatch) int {
		written = 0
		r := &sarama.ProduceRequest{Version: 10}
		r.AddBatch("t", 0, batch)
		if err := broker.encode(r); err != nil {
			t.Fatal(err)
		}
		return written
	}
	empty := send(&sarama.RecordBatch{Version: 2, FirstTimestamp: time.UnixMilli(0), MaxTimestamp: time.UnixMilli(0)}) - batchOverhead
	rapid.Check(t, func(t *rapid.T) {
		batch := &outbox.Batch{}
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			r := drawRecord(t)
			batch.Append(&r)
		}
		s := newStamp("a-relay-with-a-name", 1700000000000, rapid.Uint64().Draw(t, "seq"), rapid.Uint32().Draw(t, "piece"), time.Now())
		bound := batchOverhead
		for i := range batch.Len() {
			bound += recordSize(batch, i) + s.overhead()
		}
		if got := send(packed(batch, s, defaultTopicConfig())) - empty; got > bound {
			t.Fatalf("batch takes %d bytes, the bound is %d", got, bound)
		}
	})
}

func drawRecord(t *rapid.T) outbox.Record {
	text := rapid.SliceOfN(rapid.Byte(), 0, 300)
	r := outbox.Record{
		Key: text.Draw(t, "key"), Value: text.Draw(t, "value"), Timestamp: rapid.Int64Range(-1<<40, maxTimestamp).Draw(t, "time"),
		Position: outbox.Position{Timeline: rapid.Uint32().Draw(t, "timeline"), CommitLSN: outbox.LSN(rapid.Uint64().Draw(t, "lsn"))},
	}
	for range rapid.IntRange(0, 5).Draw(t, "headers") {
		r.Headers = append(r.Headers, outbox.Header{Key: text.Draw(t, "name"), Value: text.Draw(t, "content")})
	}
	return r
}

// BenchmarkPack is the work for each record that is not sarama's: one request of 20,000 records.
func BenchmarkPack(b *testing.B) {
	batch := load("bench", 20000)
	l := laneOf(batch.Len())
	w := &work{batch: batch, stamp: newStamp("bench", 1700000000000, 1, 0, time.Now())}
	p := newPacker()
	parts := []part{{lane: l, from: 0, to: batch.Len()}}
	b.ReportAllocs()
	for b.Loop() {
		p.room(w.sizes(parts))
		p.events(l, 0, batch.Len(), w)
		p.release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20000, "ns/record")
}
