package publisher

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

func TestAcknowledgedOffsetsMustGrow(t *testing.T) {
	l := laneOf(3)
	l.end = 41 // known from the checkpoint
	from, to, _ := l.cut(emptyRecords(3), 1, 0)
	l.inFlight++
	var went *OffsetError
	if err := l.ack(from, to, 41); !errors.As(err, &went) || went.Known != 41 || went.Got != 41 {
		t.Errorf("offset 41 given away twice: error %v", err)
	}
	if err := l.ack(from, to, 42); err != nil {
		t.Errorf("offset 42 behind 41: %v", err)
	}
}

func TestAnAnswerOutOfOrderIsDoubt(t *testing.T) {
	l := laneOf(3)
	records := emptyRecords(3)
	l.cut(records, 1, 0)
	from, to, _ := l.cut(records, 1, 0)
	if err := l.ack(from, to, 5); err == nil {
		t.Error("the second batch was acknowledged before the first")
	}
}

func emptyRecords(n int) *outbox.Batch {
	b := &outbox.Batch{}
	for range n {
		b.Append(&outbox.Record{})
	}
	return b
}

func laneOf(n int) *lane {
	l := &lane{}
	l.reset(&topic{name: "orders", config: defaultTopicConfig()}, 0)
	for i := range n {
		l.order = append(l.order, int32(i))
	}
	return l
}

// brokerSketch appends what a partition's leader would: batches in sequence and not larger than its limit.
type brokerSketch struct {
	limit, next int
	log         []int
}

func (b *brokerSketch) produce(from, to, size int) (sarama.KError, int64) {
	switch {
	case from != b.next:
		return sarama.ErrOutOfOrderSequenceNumber, -1
	case size > b.limit:
		return sarama.ErrMessageSizeTooLarge, -1
	}
	at := int64(len(b.log))
	for i := from; i < to; i++ {
		b.log = append(b.log, i)
	}
	b.next = to
	return sarama.ErrNoError, at
}

// Whatever the broker's limit, every record is appended once and in order, or the one that cannot be is named; and with
// up to five batches in flight.
func TestSplittingLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 60).Draw(t, "sizes")
		batch := &outbox.Batch{}
		largest := 0
		for i, n := range sizes {
			batch.Append(&outbox.Record{Value: make([]byte, n)})
			largest = max(largest, recordSize(batch, i))
		}
		l := laneOf(len(sizes))
		l.limit = rapid.IntRange(1, 2000).Draw(t, "our limit")
		broker := &brokerSketch{limit: rapid.IntRange(largest-20, 1000).Draw(t, "broker's limit")}
		type flying struct {
			part
			code   sarama.KError
			offset int64
		}
		var flight []flying
		for !l.done() {
			for l.ready() && len(flight) < maxInFlight && (len(flight) == 0 || rapid.Bool().Draw(t, "send")) {
				from, to, size := l.cut(batch, 1<<20, 0)
				l.inFlight++
				code, offset := broker.produce(from, to, size)
				flight = append(flight, flying{part{lane: l, from: from, to: to, size: size}, code, offset})
			}
			if len(flight) == 0 {
				t.Fatalf("stuck: %+v", l)
			}
			answer := flight[0]
			flight = flight[1:]
			err := answer.judge(&sarama.ProduceResponseBlock{Err: answer.code, Offset: answer.offset})
			var bad *EventError
			if errors.As(err, &bad) {
				if size := recordSize(batch, bad.Records[0]); len(bad.Records) != 1 || size <= broker.limit {
					t.Fatalf("%v is named, but of %d bytes with a limit of %d", bad.Records, size, broker.limit)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			l.settle()
		}
		for i, got := range broker.log {
			if got != i {
				t.Fatalf("log is %v", broker.log)
			}
		}
		if len(broker.log) != len(sizes) || l.end != int64(len(sizes)-1) {
			t.Fatalf("%d of %d records, end %d", len(broker.log), len(sizes), l.end)
		}
	})
}
