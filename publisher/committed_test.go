package publisher

import (
	"errors"
	"slices"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// logSketch builds a partition's log, batch by batch.
type logSketch struct {
	sets []*sarama.Records
	next int64
}

func (l *logSketch) data(producerID int64, n int) int64 {
	batch := &sarama.RecordBatch{FirstOffset: l.next, LastOffsetDelta: int32(n - 1), ProducerID: producerID, IsTransactional: true}
	for i := range n {
		batch.Records = append(batch.Records, &sarama.Record{OffsetDelta: int64(i)})
	}
	return l.add(batch)
}

func (l *logSketch) marker(producerID int64, kind byte) int64 {
	return l.add(&sarama.RecordBatch{
		FirstOffset: l.next, ProducerID: producerID, IsTransactional: true, Control: true,
		Records: []*sarama.Record{{Key: []byte{0, 0, 0, kind}}},
	})
}

func (l *logSketch) add(batch *sarama.RecordBatch) int64 {
	at := l.next
	l.sets = append(l.sets, &sarama.Records{RecordBatch: batch})
	l.next = batch.LastOffset() + 1
	return at
}

const (
	markAbort  = 0
	markCommit = 1
)

func offsets(t interface{ Fatal(...any) }, block *sarama.FetchResponseBlock) []int64 {
	records, _, err := committedRecords(block)
	if err != nil {
		t.Fatal(err)
	}
	got := []int64{}
	for _, r := range records {
		got = append(got, r.offset)
	}
	return got
}

func TestAbortedRecordsAreTakenOut(t *testing.T) {
	t.Run("committed, aborted and committed again by one producer", func(t *testing.T) {
		var l logSketch
		first := l.data(7, 2)
		l.marker(7, markCommit)
		aborted := l.data(7, 3)
		l.marker(7, markAbort)
		last := l.data(7, 1)
		l.marker(7, markCommit)
		block := &sarama.FetchResponseBlock{RecordsSet: l.sets, AbortedTransactions: []*sarama.AbortedTransaction{{ProducerID: 7, FirstOffset: aborted}}}
		if diff := cmp.Diff([]int64{first, first + 1, last}, offsets(t, block)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the aborted transaction began before the answer", func(t *testing.T) {
		l := logSketch{next: 100}
		l.data(7, 2)
		l.marker(7, markAbort)
		good := l.data(8, 1)
		block := &sarama.FetchResponseBlock{RecordsSet: l.sets, AbortedTransactions: []*sarama.AbortedTransaction{{ProducerID: 7, FirstOffset: 90}}}
		if diff := cmp.Diff([]int64{good}, offsets(t, block)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the abort marker lies behind the answer", func(t *testing.T) {
		var l logSketch
		good := l.data(8, 1)
		bad := l.data(7, 1)
		block := &sarama.FetchResponseBlock{RecordsSet: l.sets, AbortedTransactions: []*sarama.AbortedTransaction{{ProducerID: 7, FirstOffset: bad}}}
		if diff := cmp.Diff([]int64{good}, offsets(t, block)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a control batch without a record is damage", func(t *testing.T) {
		block := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{{RecordBatch: &sarama.RecordBatch{Control: true}}}}
		if _, _, err := committedRecords(block); !errors.Is(err, ErrUndecodable) {
			t.Errorf("error %v, want ErrUndecodable", err)
		}
	})
}

// Transactions of several producers, interleaved at random and read from a random batch on: what is shown is what was
// committed, and nothing else.
func TestCommittedRecordsLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l logSketch
		open := map[int64]int64{} // first offset of the open transaction of each producer
		pending := map[int64][]int64{}
		var committed []int64
		var aborted []*sarama.AbortedTransaction
		ends := map[*sarama.AbortedTransaction]int64{}
		finish := func(producer int64, commit bool) {
			if commit {
				l.marker(producer, markCommit)
				committed = append(committed, pending[producer]...)
			} else {
				a := &sarama.AbortedTransaction{ProducerID: producer, FirstOffset: open[producer]}
				aborted = append(aborted, a)
				ends[a] = l.marker(producer, markAbort)
			}
			delete(open, producer)
			delete(pending, producer)
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			producer := rapid.Int64Range(1, 4).Draw(t, "producer")
			if _, ok := open[producer]; ok && rapid.Bool().Draw(t, "end") {
				finish(producer, rapid.Bool().Draw(t, "commit"))
				continue
			}
			n := rapid.IntRange(1, 3).Draw(t, "records")
			at := l.data(producer, n)
			if _, ok := open[producer]; !ok {
				open[producer] = at
			}
			for i := range n {
				pending[producer] = append(pending[producer], at+int64(i))
			}
		}
		for producer := int64(1); producer <= 4; producer++ {
			if _, ok := open[producer]; ok {
				finish(producer, false) // a read_committed answer ends before an open one
			}
		}
		from := rapid.IntRange(0, len(l.sets)-1).Draw(t, "from")
		block := &sarama.FetchResponseBlock{RecordsSet: l.sets[from:]}
		start := l.sets[from].RecordBatch.FirstOffset
		for _, a := range aborted { // the broker lists those that end in the range or behind it
			if ends[a] >= start {
				block.AbortedTransactions = append(block.AbortedTransactions, a)
			}
		}
		slices.Sort(committed)
		want := slices.DeleteFunc(committed, func(o int64) bool { return o < start })
		if diff := cmp.Diff(append([]int64{}, want...), offsets(t, block)); diff != "" {
			t.Fatal(diff)
		}
	})
}
