package publisher

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// committed is a record that a read_committed consumer is shown.
type committed struct {
	offset     int64
	producerID int64
	epoch      int16
	time       time.Time
	record     *sarama.Record
}

// committedRecords gives the committed records of one Fetch answer with isolation read_committed, in offset order, and
// the offset behind the last batch.
//
// Broker.Fetch hands over aborted records together with the list of aborted transactions, and leaves the filtering to
// us. The list covers the whole answer: it names every aborted transaction that overlaps it, also one that began before
// the first batch. From its FirstOffset on, data batches of that producer are aborted until its abort marker; markers
// are control batches with type 0 (abort) or 1 (commit) in bytes 2-3 of the key. This is what Kafka's own consumer does
// (CompletedFetch.nextFetchedRecord), so a batch of the same producer behind its abort marker counts again.
func committedRecords(block *sarama.FetchResponseBlock) (records []committed, next int64, err error) {
	begin := slices.Clone(block.AbortedTransactions)
	slices.SortFunc(begin, func(a, b *sarama.AbortedTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
	aborted := map[int64]bool{}
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
			abort, err := isAbortMarker(batch)
			if err != nil {
				return nil, 0, err
			}
			if abort {
				delete(aborted, batch.ProducerID)
			}
			continue
		}
		if batch.IsTransactional && aborted[batch.ProducerID] {
			continue
		}
		for _, r := range batch.Records {
			records = append(records, committed{
				offset: batch.FirstOffset + r.OffsetDelta, producerID: batch.ProducerID, epoch: batch.ProducerEpoch,
				time: timeOf(batch, r), record: r,
			})
		}
	}
	return records, next, nil
}

// timeOf is a record's timestamp. A broker that stamps records itself (LogAppendTime) writes the time into the batch only.
func timeOf(batch *sarama.RecordBatch, r *sarama.Record) time.Time {
	if batch.LogAppendTime {
		return batch.MaxTimestamp
	}
	return batch.FirstTimestamp.Add(r.TimestampDelta)
}

func isAbortMarker(batch *sarama.RecordBatch) (bool, error) {
	if len(batch.Records) == 0 || len(batch.Records[0].Key) < 4 {
		return false, fmt.Errorf("read control batch at offset %d: %w: no control record", batch.FirstOffset, ErrUndecodable)
	}
	const controlAbort = 0
	return binary.BigEndian.Uint16(batch.Records[0].Key[2:4]) == controlAbort, nil
}
