package outbox

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// testRecord appends a record whose every byte depends on n.
func testRecord(b *Batch, n, size int) {
	r := Record{Topic: fmt.Sprintf("t%d", n%2), Key: fmt.Appendf(nil, "k%d", n), Value: bytes.Repeat([]byte{byte(n)}, size), ID: []byte{byte(n)}}
	for i := range n % 3 {
		r.Headers = append(r.Headers, Header{Key: fmt.Appendf(nil, "h%d-%d", n, i)})
	}
	b.Append(&r)
}

// shownBatch is the content of a batch, to compare.
func shownBatch(b *Batch) []shown {
	var s []shown
	for i := range b.Len() {
		s = append(s, show(b.At(i)))
	}
	return s
}

// sizes are around the points where the arena changes its way: nothing, small, a quarter of a chunk, larger than one.
func drawSize(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 100, chunkBytes/4 - 1, chunkBytes / 4, chunkBytes/4 + 1, chunkBytes + 1}).Draw(t, "size")
}

func TestBatchTruncateGivesBackWhatCameAfterTheMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b, want Batch
		before, after := rapid.IntRange(0, 8).Draw(t, "before"), rapid.IntRange(0, 8).Draw(t, "after")
		for n := range before {
			size := drawSize(t)
			testRecord(&b, n, size)
			testRecord(&want, n, size)
		}
		mark := b.Mark()
		for n := range after {
			testRecord(&b, 100+n, drawSize(t))
		}
		b.Truncate(mark)
		if got, want := b.Size(), want.Size(); got != want {
			t.Fatalf("size is %d after Truncate, was %d", got, want)
		}
		testRecord(&b, 50, 100) // takes the memory that came back
		testRecord(&want, 50, 100)
		if !slices.EqualFunc(shownBatch(&b), shownBatch(&want), equalShown) {
			t.Fatal("a record before the mark has changed")
		}
	})
}

func TestBatchMoveTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var src, dst, whole Batch
		stay, move := rapid.IntRange(0, 8).Draw(t, "stay"), rapid.IntRange(0, 8).Draw(t, "move")
		testRecord(&dst, 200, 10)
		for n := range stay {
			size := drawSize(t)
			testRecord(&src, n, size)
			testRecord(&whole, n, size)
		}
		mark := src.Mark()
		for n := range move {
			size := drawSize(t)
			testRecord(&src, stay+n, size)
			testRecord(&whole, stay+n, size)
		}
		src.MoveTail(mark, &dst)
		want := shownBatch(&whole)
		src.Reset()
		for n := range 4 { // overwrites the memory that the moved records came from
			testRecord(&src, 77+n, chunkBytes/4)
		}
		if got := shownBatch(&dst)[1:]; !slices.EqualFunc(got, want[stay:], equalShown) {
			t.Fatal("a moved record has changed")
		}
	})
}

func equalShown(a, b shown) bool {
	return a.Topic == b.Topic && a.Key == b.Key && a.Value == b.Value && a.ID == b.ID && slices.Equal(a.Headers, b.Headers)
}

func TestBatchKeepsNilAndEmpty(t *testing.T) {
	var src, dst Batch
	src.Append(&Record{Value: []byte{}, Headers: []Header{{Key: []byte("h")}, {Key: []byte("e"), Value: []byte{}}}})
	src.MoveTail(Mark{}, &dst)
	r := dst.At(0)
	if r.Key != nil || r.Value == nil || len(r.Value) != 0 {
		t.Errorf("nil must stay nil and empty stay empty, got key %v and value %v", r.Key, r.Value)
	}
	if r.Headers[0].Value != nil || r.Headers[1].Value == nil {
		t.Errorf("nil must stay nil and empty stay empty, got headers %v", r.Headers)
	}
}

func TestBatchMemoryStaysWhereItIs(t *testing.T) {
	var b Batch
	b.Append(&Record{Key: []byte("first"), Value: []byte("next to it")})
	first := b.At(0).Key
	for n := range 3 * chunkBytes / 100 {
		testRecord(&b, n, 100)
	}
	if string(first) != "first" || cap(first) != 5 {
		t.Errorf("the first slice is %q with capacity %d", first, cap(first))
	}
	more := append(first, "overwrite"...)
	if &more[0] == &first[0] {
		t.Error("appending to a slice of the batch writes into the next one")
	}
}

// TestBatchShape: what is asked of a record without reading it is what reading it gives.
func TestBatchShape(t *testing.T) {
	var b Batch
	for n := range 20 {
		testRecord(&b, n, n)
	}
	for i := range b.Len() {
		r := b.At(i)
		payload, headerBytes, headers := b.Shape(i)
		var want int
		for _, h := range r.Headers {
			want += len(h.Key) + len(h.Value)
		}
		if payload != len(r.Key)+len(r.Value) || headerBytes != want || headers != len(r.Headers) {
			t.Errorf("record %d: shape %d, %d, %d of %v", i, payload, headerBytes, headers, r)
		}
		if key, partition := b.Route(i); !bytes.Equal(key, r.Key) || partition != r.Partition || b.Topic(i) != r.Topic || b.Timestamp(i) != r.Timestamp {
			t.Errorf("record %d: route %q %d to %q, reading gives %v", i, key, partition, b.Topic(i), r)
		}
	}
}

func TestBatchSizeIsHonest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Batch
		payload, peak := 0, 0
		for n := range rapid.IntRange(0, 20).Draw(t, "records") {
			size := drawSize(t)
			payload += size
			testRecord(&b, n, size)
			peak = max(peak, b.Size())
		}
		if b.Size() < payload+b.Len()*entrySize {
			t.Fatalf("size %d is less than what the records hold", b.Size())
		}
		if limit := peak + chunkBytes + cap(b.entries)*entrySize; b.Held() > limit {
			t.Fatalf("the batch holds %d bytes, at most %d are accounted for", b.Held(), limit)
		}
		b.Reset()
		if b.Size() != 0 || b.Len() != 0 {
			t.Fatalf("an empty batch has size %d and length %d", b.Size(), b.Len())
		}
	})
}

func TestBatchResetKeepsMemory(t *testing.T) {
	var b Batch
	fill := func() {
		for n := range 2000 {
			testRecord(&b, n, 300)
		}
	}
	fill()
	held := b.Held()
	b.Reset()
	if b.Held() != held {
		t.Errorf("Reset gives memory back: %d, was %d", b.Held(), held)
	}
	r := Record{Topic: "t", Value: bytes.Repeat([]byte{1}, 300), Headers: make([]Header, 2)}
	allocs := testing.AllocsPerRun(10, func() {
		b.Reset()
		for range 2000 {
			b.Append(&r)
		}
	})
	if allocs != 0 || b.Held() != held {
		t.Errorf("%v allocations and %d bytes held in the second round, want none and %d", allocs, b.Held(), held)
	}
}

func TestBatchGivesLargePayloadsBack(t *testing.T) {
	var b Batch
	testRecord(&b, 0, 10*chunkBytes)
	if b.Held() < 10*chunkBytes || b.Size() < 10*chunkBytes {
		t.Errorf("a large payload is not counted: size %d, held %d", b.Size(), b.Held())
	}
	b.Reset()
	if b.Held() > 3*chunkBytes {
		t.Errorf("the batch still holds %d bytes", b.Held())
	}
}
