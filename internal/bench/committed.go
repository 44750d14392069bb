package bench

import (
	"encoding/binary"
	"slices"

	"github.com/IBM/sarama"
)

// committedValues gives the values of the committed records of one Fetch answer with isolation read_committed, from an
// offset on, and the offset behind them.
//
// The broker hands over aborted records too, with the list of their transactions: data batches of such a producer count
// for nothing from its FirstOffset up to its abort marker, a control batch whose key says 0 in bytes 2-3. Kafka's own
// consumer filters in the same way.
func committedValues(block *sarama.FetchResponseBlock, from int64) (values [][]byte, next int64) {
	begin := slices.Clone(block.AbortedTransactions)
	slices.SortFunc(begin, func(a, b *sarama.AbortedTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
	aborted := map[int64]bool{}
	next = from
	for _, set := range block.RecordsSet {
		batch := set.RecordBatch
		if batch == nil || batch.PartialTrailingRecord {
			continue
		}
		for len(begin) > 0 && begin[0].FirstOffset <= batch.LastOffset() {
			aborted[begin[0].ProducerID] = true
			begin = begin[1:]
		}
		next = batch.LastOffset() + 1
		if batch.Control {
			if isAbort(batch) {
				delete(aborted, batch.ProducerID)
			}
			continue
		}
		if batch.IsTransactional && aborted[batch.ProducerID] {
			continue
		}
		for _, r := range batch.Records {
			// A fetch begins with the batch that holds the offset, which may begin before it.
			if batch.FirstOffset+r.OffsetDelta >= from {
				values = append(values, r.Value)
			}
		}
	}
	return values, next
}

func isAbort(batch *sarama.RecordBatch) bool {
	return len(batch.Records) > 0 && len(batch.Records[0].Key) >= 4 && binary.BigEndian.Uint16(batch.Records[0].Key[2:4]) == 0
}
