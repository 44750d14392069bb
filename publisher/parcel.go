package publisher

import (
	"fmt"
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
		if l.order == nil {
			r.AddBatch(l.topic.name, l.partition, p.pack.control(l, w.who, w.stamp.now))
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
		for _, index := range part.lane.order[part.from:part.to] {
			_, _, n := w.batch.Shape(int(index))
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
	case l.behindSplit(p.from, block.Err):
		return nil
	case what == tooLarge && p.to-p.from > 1:
		l.split(p.from, p.size)
		return nil
	case (what == tooLarge || what == badEvent) && l.order != nil:
		return p.eventError(block)
	}
	return fmt.Errorf("produce to %s partition %d: %w", l.topic.name, l.partition, refusal(apiProduce, block.Err))
}

// eventError names the records that the broker named, or all of the batch.
func (p *part) eventError(block *sarama.ProduceResponseBlock) error {
	e := &EventError{
		Topic: p.lane.topic.name, Partition: p.lane.partition, Reason: refusedRecord(block), Err: block.Err,
	}
	for _, r := range block.RecordErrors {
		if i := p.from + int(r.BatchIndex); i >= p.from && i < p.to {
			e.Records = append(e.Records, int(p.lane.order[i]))
		}
	}
	if len(e.Records) == 0 {
		for _, index := range p.lane.order[p.from:p.to] {
			e.Records = append(e.Records, int(index))
		}
	}
	return e
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
