package publisher

import (
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// lane is one partition in one transaction: which records were sent, which acknowledged. Pure; the sender drives it.
//
// The sequence number of a record is its index in the lane, since every transaction has an epoch of its own and a new
// epoch begins at 0. It cannot reach the wrap at MaxInt32.
type lane struct {
	topic     *topic
	partition int32
	order     []int32       // indexes of the records; nil for a control record
	control   sarama.Record // checkpoint or barrier, when order is nil
	own       *outbox.Batch // what order refers to, in a topic of Relay's own; nil: the events

	next     int // first record that is not sent
	acked    int // records before it are acknowledged
	inFlight int // batches
	queued   bool
	limit    int // bytes of records in a batch
	// retry is the first record of a batch that was refused as too large, or -1. Nothing is sent until the batches behind
	// it have been answered: they were refused too, since their sequence numbers do not follow.
	retry int
	end   int64 // offset of the last acknowledged record

	refused []*EventError // records that were taken out, because the broker does not take them
}

func (l *lane) reset(topic *topic, partition int32) {
	*l = lane{topic: topic, partition: partition, limit: topic.config.batchLimit(), retry: -1, end: -1}
}

func (l *lane) count() int {
	if l.order == nil {
		return 1
	}
	return len(l.order)
}

// ready is whether a batch can be sent now.
func (l *lane) ready() bool { return l.retry < 0 && l.next < l.count() }

func (l *lane) done() bool { return l.acked == l.count() }

// cut takes the records of the next batch: as many as fit into limit bytes, at least one. size is what they encode to.
func (l *lane) cut(batch *outbox.Batch, limit, overhead int) (from, to, size int) {
	from, to = l.next, l.next
	if l.order == nil {
		l.next = 1
		return from, l.next, len(l.control.Value) + recordOverhead
	}
	limit, batch = min(limit, l.limit), l.records(batch)
	for to < len(l.order) {
		n := recordSize(batch, int(l.order[to])) + overhead
		if to > from && size+n > limit {
			break
		}
		size += n
		to++
	}
	l.next = to
	return from, to, size
}

// ack notes that records from up to before to were appended at offset and following.
func (l *lane) ack(from, to int, offset int64) error {
	if from != l.acked || l.retry >= 0 {
		return fmt.Errorf("produce to %s partition %d: records %d to %d acknowledged out of order, %d before them",
			l.topic.name, l.partition, from, to, l.acked)
	}
	if offset <= l.end {
		return &OffsetError{Topic: l.topic.name, Partition: l.partition, Got: offset, Known: l.end}
	}
	l.acked = to
	l.end = offset + int64(to-from) - 1
	return nil
}

// split notes that a batch of several records was too large: it and what was sent behind it will be sent again, in
// batches of half its size. The broker has appended nothing of it, so its sequence numbers are free.
func (l *lane) split(from, size int) {
	if l.retry < 0 || from < l.retry {
		l.retry = from
		l.limit = min(l.limit, size/2)
	}
}

// drop takes out the records from[named...] of a refused batch, and has the others sent again. The transaction is lost,
// for the caller will not commit it; but so the broker names every bad record of it, not one in each session.
func (l *lane) drop(from int, named []int, e *EventError) {
	for i := len(named) - 1; i >= 0; i-- {
		at := from + named[i]
		e.Records = append(e.Records, int(l.order[at]))
		l.order = slices.Delete(l.order, at, at+1)
	}
	slices.Reverse(e.Records)
	l.refused = append(l.refused, e)
	l.retry = from
}

// behindRefused is whether a batch lies behind one that will be sent again: what is said of it is not the last word.
func (l *lane) behindRefused(from int, code sarama.KError, what meaning) bool {
	return l.retry >= 0 && from > l.retry && (code == sarama.ErrOutOfOrderSequenceNumber || what == tooLarge || what == badEvent)
}

// records is what order refers to, when events are those of the transaction.
func (l *lane) records(events *outbox.Batch) *outbox.Batch {
	if l.own != nil {
		return l.own
	}
	return events
}

// settle notes that a batch was answered, and begins again behind a split when it was the last one in flight.
func (l *lane) settle() {
	l.inFlight--
	if l.inFlight == 0 && l.retry >= 0 {
		l.next, l.retry = l.retry, -1
	}
}

const (
	// batchOverhead is the header of a record batch of magic 2.
	batchOverhead = 61
	// recordOverhead is the most that a record takes besides its key, value and headers: length 5, attributes 1,
	// timestamp 10, offset 5, length of key 5, length of value 5, number of headers 5.
	recordOverhead = 36
	// headerOverhead is the lengths of a header's key and value.
	headerOverhead = 5 + 5
)

// recordSize is an upper bound of what a record encodes to, without the headers that we add.
func recordSize(batch *outbox.Batch, i int) int {
	payload, headerBytes, headers := batch.Shape(i)
	return recordOverhead + payload + headerBytes + headers*headerOverhead
}
