package publisher

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/outbox"
)

// scanned begins a scan of partition 0 when n committed records are visible in the topic.
func (r *relayUnderTest) scanned(topic string, n int) *Reader {
	r.t.Helper()
	r.eventually(topic, n)
	s, err := r.connect().Reader(r.t.Context(), topic, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func TestReaderReadsCommittedEventsOnly(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	r.publish(p, 1, events(topic, 5))
	p.rest()
	leaveOpen(t, r, p, events(topic, 7), 2)
	_, p, _ = r.session() // aborts it
	r.publish(p, 3, events(topic, 2))
	s := r.scanned(topic, 7)
	var got []Event
	for {
		more, err := s.More(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		some, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, some...)
	}
	if len(got) != 7 || s.Offset() != s.End {
		t.Fatalf("%d events up to offset %d of %d", len(got), s.Offset(), s.End)
	}
	origin, ok := got[1].Origin()
	want := Origin{Relay: r.cfg.Relay, Generation: r.identity().Generation, Seq: 2, Position: outbox.Position{Timeline: 1, CommitLSN: 0x2000, Index: 1}}
	if !ok || origin != want || string(got[1].Key) != "k1" || string(got[1].Value) != "v1" || got[1].Offset != 1 {
		t.Errorf("event %+v, origin %+v", got[1], origin)
	}
	if age := time.Since(got[1].Time); age < 0 || age > time.Hour {
		t.Errorf("time %s", got[1].Time)
	}
}

func TestLastReadsBackwards(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	for seq := range uint64(60) { // each with a marker of its own
		r.publish(p, seq+1, events(topic, 3))
	}
	s := r.scanned(topic, 180)
	for _, n := range []int{1, 4, 100, 180, 500} {
		got, err := s.Last(t.Context(), n, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != min(n, 180) || got[len(got)-1].Offset != s.End-2 || s.Offset() != s.End {
			t.Errorf("last %d: %d events, the last at %d of %d", n, len(got), got[len(got)-1].Offset, s.End)
		}
	}
	got, err := s.Last(t.Context(), 4, func(e *Event) bool { return string(e.Key) == "k1" })
	if err != nil || len(got) != 4 || string(got[0].Value) != "v1" {
		t.Errorf("last 4 of a key: %+v, %v", got, err)
	}
	if none, err := s.Last(t.Context(), 4, func(*Event) bool { return false }); err != nil || len(none) != 0 {
		t.Errorf("nothing that is kept: %+v, %v", none, err)
	}
}

func TestReaderStartsWhereItShall(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	batch, at := &outbox.Batch{}, time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range 10 {
		batch.Append(&outbox.Record{Topic: topic, Key: []byte("k"), Partition: 0, Timestamp: at.Add(time.Duration(i) * time.Minute).UnixMilli()})
	}
	r.publish(p, 1, batch)
	s := r.scanned(topic, 10)
	for offset, want := range map[int64]int64{-1: 0, 3: 3, 1000: s.End} {
		if s.StartAt(offset); s.Offset() != want {
			t.Errorf("starts at %d, want %d", s.Offset(), want)
		}
	}
	for minutes, want := range map[time.Duration]int64{-5: 0, 0: 0, 4: 4, 600: s.End} {
		if err := s.StartAtTime(t.Context(), at.Add(minutes*time.Minute)); err != nil || s.Offset() != want {
			t.Errorf("%d minutes: starts at %d, want %d, %v", minutes, s.Offset(), want, err)
		}
	}
	c := r.connect()
	if _, err := c.Reader(t.Context(), topic, 1); !errors.Is(err, ErrNoPartition) {
		t.Errorf("error %v, want ErrNoPartition", err)
	}
	if _, err := c.Reader(t.Context(), topic+"-mistyped", 0); !errors.Is(err, ErrNoTopic) {
		t.Errorf("error %v, want ErrNoTopic", err)
	}
}

func TestOriginOfOthers(t *testing.T) {
	h := func(seq, position string, more ...string) Event {
		e := Event{Headers: []outbox.Header{{Key: []byte(HeaderSeq), Value: []byte(seq)}, {Key: []byte(HeaderPosition), Value: []byte(position)}}}
		for i := 0; i+1 < len(more); i += 2 {
			e.Headers = append(e.Headers, outbox.Header{Key: []byte(more[i]), Value: []byte(more[i+1])})
		}
		return e
	}
	position := outbox.Position{Timeline: 1, CommitLSN: 0x7A41C60, Index: 3}
	good := Origin{
		Relay: "payments.1", Generation: 1700000000000, Seq: 42, Position: position, Piece: 2,
		CommitTime: time.Date(2026, 11, 24, 12, 0, 0, 5e6, time.UTC),
	}
	full := h("payments.1/1700000000000/42", position.String(), HeaderPiece, "2", HeaderCommitTime, "2026-11-24T12:00:00.005Z")
	if got, ok := full.Origin(); !ok || !cmp.Equal(got, good) {
		t.Errorf("%+v, %v", got, ok)
	}
	for name, e := range map[string]Event{
		"no headers":     {},
		"no position":    {Headers: full.Headers[:1]},
		"two parts":      h("payments/42", position.String()),
		"no relay":       h("/1700000000000/42", position.String()),
		"no number":      h("payments/1700000000000/x", position.String()),
		"wrong position": h("payments/1700000000000/42", "0/7A41C60"),
		"wrong piece":    h("payments/1700000000000/42", position.String(), HeaderPiece, "-1"),
		"wrong time":     h("payments/1700000000000/42", position.String(), HeaderCommitTime, "noon"),
	} {
		if got, ok := e.Origin(); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
