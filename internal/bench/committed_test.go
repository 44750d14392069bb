package bench

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

// batch is one of a transaction: its records follow each other.
func batch(producer, first int64, values ...string) *sarama.Records {
	b := &sarama.RecordBatch{ProducerID: producer, FirstOffset: first, LastOffsetDelta: int32(len(values) - 1), IsTransactional: true}
	for i, v := range values {
		b.Records = append(b.Records, &sarama.Record{OffsetDelta: int64(i), Value: []byte(v)})
	}
	return &sarama.Records{RecordBatch: b}
}

func marker(producer, offset int64, kind byte) *sarama.Records {
	return &sarama.Records{RecordBatch: &sarama.RecordBatch{
		ProducerID: producer, FirstOffset: offset, Control: true, IsTransactional: true,
		Records: []*sarama.Record{{Key: []byte{0, 0, 0, kind}}},
	}}
}

func TestCommittedValues(t *testing.T) {
	const abort, commit = 0, 1
	block := &sarama.FetchResponseBlock{
		AbortedTransactions: []*sarama.AbortedTransaction{{ProducerID: 2, FirstOffset: 12}, {ProducerID: 1, FirstOffset: 8}},
		RecordsSet: []*sarama.Records{
			batch(1, 8, "aborted, began before"), batch(2, 9, "a", "b", "c"), marker(2, 12-1+1, commit),
			batch(2, 13, "aborted"), marker(1, 14, abort), batch(1, 15, "d"), marker(2, 16, abort), marker(1, 17, commit), batch(2, 18, "e"),
		},
	}
	values, next := committedValues(block, 10)
	var got []string
	for _, v := range values {
		got = append(got, string(v))
	}
	// Offset 9 lies before what was asked for, although its batch was handed over.
	if diff := cmp.Diff([]string{"b", "c", "d", "e"}, got); diff != "" {
		t.Error(diff)
	}
	if next != 19 {
		t.Errorf("next offset %d, want 19", next)
	}
	if _, next := committedValues(&sarama.FetchResponseBlock{}, 10); next != 10 {
		t.Errorf("an empty answer moves to %d", next)
	}
}

func TestEventNumber(t *testing.T) {
	if text := event(42); len(text) != PayloadBytes {
		t.Errorf("event has %d bytes, want %d", len(text), PayloadBytes)
	}
	if n, err := eventNumber([]byte(event(123456))); n != 123456 || err != nil {
		t.Errorf("number is %d, %v", n, err)
	}
	for _, foreign := range []string{"", `{"n":"1"}`, `{"order":"000000000001", "fill": ""}`} {
		if n, err := eventNumber([]byte(foreign)); err == nil {
			t.Errorf("%q has number %d", foreign, n)
		}
	}
}
