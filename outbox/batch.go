package outbox

// Batch holds records and owns the memory they point into: a row is copied once, into the batch, and nothing is
// allocated for it afterwards. A batch is used by one goroutine at a time and is emptied by Reset, which keeps its memory.
type Batch struct {
	Records []Record

	bytes   arena[byte]
	headers arena[Header]
}

// Mark is a place in a batch, to go back to.
type Mark struct {
	records int
	bytes   arenaMark
	headers arenaMark
}

// Copy puts p into the batch's memory. A nil p stays nil; an empty one stays empty.
func (b *Batch) Copy(p []byte) []byte {
	if p == nil {
		return nil
	}
	c := b.bytes.alloc(len(p))
	copy(c, p)
	return c
}

// Alloc returns n bytes of the batch's memory with undefined content.
func (b *Batch) Alloc(n int) []byte { return b.bytes.alloc(n) }

// AllocHeaders returns n headers of the batch's memory with undefined content.
func (b *Batch) AllocHeaders(n int) []Header { return b.headers.alloc(n) }

// Append adds a record whose memory is this batch's own (or static).
func (b *Batch) Append(r Record) { b.Records = append(b.Records, r) }

// Len is the number of records.
func (b *Batch) Len() int { return len(b.Records) }

// Size is the memory that the records use, in bytes: their copied bytes with what is lost at the ends of chunks,
// headers, and the records themselves. A budget counts this; it is 0 after Reset.
func (b *Batch) Size() int {
	return b.bytes.used() + b.headers.used() + len(b.Records)*recordSize
}

// Held is the memory that the batch keeps, in bytes, used or not: Reset does not change it, except that payloads larger
// than a quarter of a chunk are given back. It exceeds the largest Size so far by two chunks and a quarter of the
// records at most.
func (b *Batch) Held() int {
	return b.bytes.held() + b.headers.held() + cap(b.Records)*recordSize
}

// Mark remembers the present end of the batch.
func (b *Batch) Mark() Mark {
	return Mark{records: len(b.Records), bytes: b.bytes.mark(), headers: b.headers.mark()}
}

// Truncate drops everything behind m.
func (b *Batch) Truncate(m Mark) {
	clear(b.Records[m.records:])
	b.Records = b.Records[:m.records]
	b.bytes.release(m.bytes)
	b.headers.release(m.headers)
}

// MoveTail moves the records behind m to the end of dst, copying their memory.
func (b *Batch) MoveTail(m Mark, dst *Batch) {
	for _, r := range b.Records[m.records:] {
		r.Key, r.Value, r.ID = dst.Copy(r.Key), dst.Copy(r.Value), dst.Copy(r.ID)
		if r.Headers != nil {
			headers := dst.AllocHeaders(len(r.Headers))
			for i, h := range r.Headers {
				headers[i] = Header{Key: dst.Copy(h.Key), Value: dst.Copy(h.Value)}
			}
			r.Headers = headers
		}
		dst.Append(r)
	}
	b.Truncate(m)
}

// Reset empties the batch and keeps its memory for the next use.
func (b *Batch) Reset() { b.Truncate(Mark{}) }
