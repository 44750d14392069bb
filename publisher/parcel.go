package publisher

import (
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// parcel is one request: packed, perhaps compressed meanwhile, sent, answered.
type parcel struct {
	parts   []part
	pack    *packer
	request *sarama.ProduceRequest
	packed  chan struct{} // says that request or err is there
	answer  *sarama.ProduceResponse
	err     error
}

// part is a batch in a parcel: the records of a lane from from up to before to.
type part struct {
	lane           *lane
	from, to, size int
}

// fill makes the request in the memory of its packer.
func (p *parcel) fill(w *work) *sarama.ProduceRequest {
	p.pack.room(w.sizes(p.parts))
	r := &sarama.ProduceRequest{
		TransactionalID: w.txnID,
		RequiredAcks:    sarama.WaitForAll,
		Timeout:         int32(produceTimeout / time.Millisecond),
		Version:         10,
	}
	for _, part := range p.parts {
		l := part.lane
		switch {
		case l.order == nil:
			r.AddBatch(l.topic.name, l.partition, p.pack.control(l, w.who, w.stamp.now))
			continue
		case l.own != nil:
			r.AddBatch(l.topic.name, l.partition, p.pack.owned(l, part.from, part.to, w))
			continue
		}
		r.AddBatch(l.topic.name, l.partition, p.pack.events(l, part.from, part.to, w))
	}
	return r
}

// encode fills the request and compresses it.
func (p *parcel) encode(w *work) error {
	p.request = p.fill(w)
	return p.pack.encoder.encode(p.request)
}

// release gives the packer back. The request must not be kept: it holds what it was encoded to.
func (p *parcel) release(w *work) {
	p.pack.release()
	w.packers <- p.pack
	p.pack, p.request = nil, nil
}

// records is how many events the transaction has.
func (w *work) records() int {
	if w.batch == nil {
		return 0
	}
	return w.batch.Len()
}

// sizes are what a packer needs room for.
func (w *work) sizes(parts []part) (batches, records, headers, text int) {
	for _, part := range parts {
		records += part.to - part.from
		if part.lane.order == nil {
			continue
		}
		batch := part.lane.records(w.batch)
		for _, index := range part.lane.order[part.from:part.to] {
			_, _, n := batch.Shape(int(index))
			headers += n + maxOwnHeaders
		}
	}
	return len(parts), records, headers, records * (len(w.stamp.seqPrefix) + maxOwnText)
}

// judge takes the answer to one batch.
func (p *part) judge(block *sarama.ProduceResponseBlock) error {
	l := p.lane
	what := classify(apiProduce, block.Err)
	switch {
	case what == fine:
		return l.ack(p.from, p.to, block.Offset)
	case l.behindRefused(p.from, block.Err, what):
		return nil
	case (what != tooLarge && what != badEvent) || l.order == nil:
		return fmt.Errorf("produce to %s partition %d: %w", l.topic.name, l.partition, refusal(apiProduce, block.Err))
	case l.own != nil && (concernsTopic(block.Err) || p.to-p.from == 1):
		return l.ownRefused(p.from, refusedRecord(block), block.Err)
	case concernsTopic(block.Err):
		return l.topicRefused(block)
	}
	return p.refused(block)
}

// refused takes the records out that the broker named. When it named none of several, the batch is halved until one is
// left: nothing of a refused batch is appended, so its sequence numbers are free.
func (p *part) refused(block *sarama.ProduceResponseBlock) error {
	l := p.lane
	var named []int
	for _, r := range block.RecordErrors {
		if i := int(r.BatchIndex); i >= 0 && p.from+i < p.to {
			named = append(named, i)
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	switch {
	case len(named) == 0 && p.to-p.from > 1:
		l.split(p.from, p.size)
		return nil
	case len(named) == 0:
		named = []int{0}
	}
	l.drop(p.from, named, l.eventError(block))
	return nil
}

// topicRefused names all records of the lane: what the broker said holds for each of them.
func (l *lane) topicRefused(block *sarama.ProduceResponseBlock) error {
	e := l.eventError(block)
	for _, index := range l.order {
		e.Records = append(e.Records, int(index))
	}
	return e
}

func (l *lane) eventError(block *sarama.ProduceResponseBlock) *EventError {
	return &EventError{
		Topic: l.topic.name, Partition: l.partition, Cause: causeOf(block.Err), Reason: refusedRecord(block), Err: block.Err,
	}
}

func refusedRecord(block *sarama.ProduceResponseBlock) string {
	switch block.Err {
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return "the record is larger than the topic's max.message.bytes"
	case sarama.ErrInvalidTimestamp:
		return "the timestamp is outside the topic's message.timestamp.before.max.ms and after.max.ms"
	case sarama.ErrInvalidRecord:
		for _, r := range block.RecordErrors {
			if r.BatchIndexErrorMessage != nil {
				return "the broker finds the record invalid: " + *r.BatchIndexErrorMessage
			}
		}
		return "the broker finds the record invalid"
	}
	return refusedTopic(block.Err)
}
