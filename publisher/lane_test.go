package publisher

import (
	"errors"
	"slices"
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

// brokerSketch is a partition's leader: it takes batches in sequence that are not too large and hold no bad record, and
// looks at the records before it looks at the sequence, as real ones do.
type brokerSketch struct {
	limit, next int
	bad         map[int32]bool
	names       bool // whether it says which records are bad
	log         []int32
}

func (b *brokerSketch) produce(from int, records []int32, size int) *sarama.ProduceResponseBlock {
	answer := &sarama.ProduceResponseBlock{Offset: -1}
	for i, r := range records {
		if !b.bad[r] {
			continue
		}
		answer.Err = sarama.ErrInvalidRecord
		if b.names {
			answer.RecordErrors = append(answer.RecordErrors, sarama.ProduceResponseRecordError{BatchIndex: int32(i)})
		}
	}
	switch {
	case answer.Err != sarama.ErrNoError:
	case size > b.limit:
		answer.Err = sarama.ErrMessageSizeTooLarge
	case from != b.next:
		answer.Err = sarama.ErrOutOfOrderSequenceNumber
	default:
		answer.Offset = int64(len(b.log))
		b.log = append(b.log, records...)
		b.next += len(records)
	}
	return answer
}

// Whatever the broker's limit, and whatever it says of bad records: every record is appended once and in order, or is
// named because it cannot be; and with up to five batches in flight.
func TestSplittingLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 60).Draw(t, "sizes")
		batch := &outbox.Batch{}
		broker := &brokerSketch{
			limit: rapid.IntRange(20, 1000).Draw(t, "broker's limit"), bad: map[int32]bool{}, names: rapid.Bool().Draw(t, "names"),
		}
		for i, n := range sizes {
			batch.Append(&outbox.Record{Value: make([]byte, n)})
			broker.bad[int32(i)] = rapid.IntRange(0, 9).Draw(t, "bad") == 0
		}
		l := laneOf(len(sizes))
		l.limit = rapid.IntRange(1, 2000).Draw(t, "our limit")
		type flying struct {
			part
			answer *sarama.ProduceResponseBlock
		}
		var flight []flying
		for !l.done() || len(flight) > 0 {
			for l.ready() && len(flight) < maxInFlight && (len(flight) == 0 || rapid.Bool().Draw(t, "send")) {
				from, to, size := l.cut(batch, 1<<20, 0)
				l.inFlight++
				flight = append(flight, flying{part{lane: l, from: from, to: to, size: size}, broker.produce(from, l.order[from:to], size)})
			}
			if len(flight) == 0 {
				t.Fatalf("stuck: %+v", l)
			}
			next := flight[0]
			flight = flight[1:]
			if err := next.judge(next.answer); err != nil {
				t.Fatal(err)
			}
			l.settle()
		}
		refused := map[int32]bool{}
		for _, e := range l.refused {
			for _, i := range e.Records {
				refused[int32(i)] = true
			}
		}
		var want []int32
		for i := range int32(len(sizes)) {
			if cannot := broker.bad[i] || recordSize(batch, int(i)) > broker.limit; cannot != refused[i] {
				t.Fatalf("record %d: named %v, want %v", i, refused[i], cannot)
			} else if !cannot {
				want = append(want, i)
			}
		}
		if !slices.Equal(broker.log, want) || l.end != int64(len(want)-1) {
			t.Fatalf("log is %v, end %d; want %v", broker.log, l.end, want)
		}
	})
}
