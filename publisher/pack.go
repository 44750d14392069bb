package publisher

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// packer turns records into sarama's form, in memory that it uses again for every request: AsyncProduce has encoded
// everything when it returns. Nothing is allocated per record once the slabs have grown to a request's size.
type packer struct {
	batches    []sarama.RecordBatch
	records    []sarama.Record
	refs       []*sarama.Record // refs[i] = &records[i]
	headers    []sarama.RecordHeader
	headerRefs []*sarama.RecordHeader
	text       []byte
	record     outbox.Record // scratch: the one being packed

	own     ownHeaders
	encoder *conn // for compression; nil without

	usedBatches, usedRecords, usedHeaders int
}

func newPacker() *packer { return &packer{own: newOwnHeaders()} }

// room makes the slabs large enough for a request, before anything is put into them.
func (p *packer) room(batches, records, headers, text int) {
	p.usedBatches, p.usedRecords, p.usedHeaders = 0, 0, 0
	if len(p.batches) < batches {
		p.batches = make([]sarama.RecordBatch, batches)
	}
	p.records, p.refs = slab(p.records, p.refs, records)
	p.headers, p.headerRefs = slab(p.headers, p.headerRefs, headers)
	if cap(p.text) < text {
		p.text = make([]byte, 0, grown(text))
	}
	p.text = p.text[:0]
}

func slab[T any](items []T, refs []*T, n int) ([]T, []*T) {
	if len(items) >= n {
		return items, refs
	}
	items = make([]T, grown(n))
	refs = make([]*T, len(items))
	for i := range items {
		refs[i] = &items[i]
	}
	return items, refs
}

// grown leaves a quarter of room, so that slightly different requests do not allocate again and again.
func grown(n int) int { return n + n/4 + 8 }

// release forgets what the last request was encoded to: sarama keeps those bytes in its RecordBatch. Records and
// headers only point into batches that live longer.
func (p *packer) release() { clear(p.batches[:p.usedBatches]) }

// batch starts a record batch of n records that begins at sequence number seq.
func (p *packer) batch(who identity, codec sarama.CompressionCodec, seq, n int, first int64) *sarama.RecordBatch {
	b := &p.batches[p.usedBatches]
	p.usedBatches++
	*b = sarama.RecordBatch{
		Version:          2,
		Codec:            codec,
		CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID:       who.producerID,
		ProducerEpoch:    who.epoch,
		FirstSequence:    int32(seq),
		IsTransactional:  true,
		LastOffsetDelta:  int32(n - 1),
		FirstTimestamp:   time.UnixMilli(first),
		Records:          p.refs[p.usedRecords : p.usedRecords+n],
	}
	p.usedRecords += n
	return b
}

// events packs the records from up to before to of a lane.
func (p *packer) events(l *lane, from, to int, w *work) *sarama.RecordBatch {
	s := &w.stamp
	oldest := l.topic.config.oldest()
	first, _ := s.timestamp(w.batch.Timestamp(int(l.order[from])), oldest)
	batch := p.batch(w.who, w.codec, from, to-from, first)
	last := first
	for i, index := range l.order[from:to] {
		r := &p.record
		w.batch.Read(int(index), r)
		ms, replaced := s.timestamp(r.Timestamp, oldest)
		last = max(last, ms)
		out := batch.Records[i]
		out.Key, out.Value = r.Key, r.Value
		out.OffsetDelta = int64(i)
		out.TimestampDelta = time.Duration(ms-first) * time.Millisecond
		out.Headers = p.headersOf(r, index, s, replaced)
	}
	batch.MaxTimestamp = time.UnixMilli(last)
	return batch
}

// headersOf are the application's headers and then ours.
func (p *packer) headersOf(r *outbox.Record, index int32, s *stamp, replaced bool) []*sarama.RecordHeader {
	begin := p.usedHeaders
	for i := range r.Headers {
		p.header(r.Headers[i].Key, r.Headers[i].Value)
	}
	at := len(p.text)
	p.text = s.appendSeq(p.text, index)
	p.header(p.own.seq, p.text[at:])
	at = len(p.text)
	p.text = r.Position.AppendTo(p.text)
	p.header(p.own.position, p.text[at:])
	if s.piece > 0 {
		at = len(p.text)
		p.text = s.appendPiece(p.text)
		p.header(p.own.piece, p.text[at:])
	}
	if replaced {
		at = len(p.text)
		p.text = appendTime(p.text, r.Timestamp)
		p.header(p.own.commitTime, p.text[at:])
	}
	return p.headerRefs[begin:p.usedHeaders:p.usedHeaders]
}

func (p *packer) header(key, value []byte) {
	h := &p.headers[p.usedHeaders]
	h.Key, h.Value = key, value
	p.usedHeaders++
}

// owned packs records for a topic of Relay's own as they are. Like a checkpoint they are never compressed.
func (p *packer) owned(l *lane, from, to int, w *work) *sarama.RecordBatch {
	batch := p.batch(w.who, sarama.CompressionNone, from, to-from, w.stamp.now)
	batch.MaxTimestamp = batch.FirstTimestamp
	for i, index := range l.order[from:to] {
		r := &p.record
		l.own.Read(int(index), r)
		out := batch.Records[i]
		out.Key, out.Value = r.Key, r.Value
		out.OffsetDelta = int64(i)
		out.TimestampDelta = 0
		begin := p.usedHeaders
		for n := range r.Headers {
			p.header(r.Headers[n].Key, r.Headers[n].Value)
		}
		out.Headers = p.headerRefs[begin:p.usedHeaders:p.usedHeaders]
	}
	return batch
}

// control packs the single record of a checkpoint lane. It is never compressed: compaction can leave an empty batch
// behind, which sarama cannot decode when it claims to be compressed.
func (p *packer) control(l *lane, who identity, now int64) *sarama.RecordBatch {
	batch := p.batch(who, sarama.CompressionNone, 0, 1, now)
	batch.MaxTimestamp = batch.FirstTimestamp
	*batch.Records[0] = l.control
	return batch
}
