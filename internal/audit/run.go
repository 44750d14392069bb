package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// runWriter writes one run: for each entry the lengths of key and value, and their bytes.
type runWriter struct {
	w      *bufio.Writer
	length int64
	head   []byte
}

const runBuffer = 64 << 10

func newRunWriter(f *os.File, at int64) *runWriter {
	return &runWriter{w: bufio.NewWriterSize(io.NewOffsetWriter(f, at), runBuffer)}
}

func (r *runWriter) write(key, value []byte) error {
	r.head = binary.AppendUvarint(binary.AppendUvarint(r.head[:0], uint64(len(key))), uint64(len(value)))
	for _, part := range [][]byte{r.head, key, value} {
		n, err := r.w.Write(part)
		r.length += int64(n)
		if err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
	}
	return nil
}

func (r *runWriter) finish() (length int64, err error) {
	if err := r.w.Flush(); err != nil {
		return 0, fmt.Errorf("write temporary file: %w", err)
	}
	return r.length, nil
}

// runReader reads a run entry by entry.
type runReader struct {
	r          *bufio.Reader
	entry      []byte // of the entry at hand
	key, value []byte
}

// next reads an entry; false at the end of the run.
func (r *runReader) next() (bool, error) {
	keyLen, err := binary.ReadUvarint(r.r)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	valueLen, err2 := binary.ReadUvarint(r.r)
	if err = cmp.Or(err, err2); err == nil {
		if need := int(keyLen + valueLen); cap(r.entry) < need {
			r.entry = make([]byte, need)
		}
		r.entry = r.entry[:keyLen+valueLen]
		_, err = io.ReadFull(r.r, r.entry)
	}
	if err != nil {
		return false, fmt.Errorf("read temporary file: %w", err)
	}
	r.key, r.value = r.entry[:keyLen], r.entry[keyLen:]
	return true, nil
}

// runHeap has the run with the smallest entry on top.
type runHeap []*runReader

func (h runHeap) Len() int      { return len(h) }
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h runHeap) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(h[i].key, h[j].key), bytes.Compare(h[i].value, h[j].value)) < 0
}
func (h *runHeap) Push(x any) { *h = append(*h, x.(*runReader)) }
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// mergeRuns gives the entries of all runs in order. Their buffers share the budget: with 64 MiB a terabyte of entries
// gets 4 KiB for each run.
func mergeRuns(f *os.File, runs []section, budget int, each func(key, value []byte) error) error {
	buffer := min(max(budget/len(runs), 4<<10), runBuffer)
	var open runHeap
	for _, s := range runs {
		r := &runReader{r: bufio.NewReaderSize(io.NewSectionReader(f, s.at, s.length), buffer)}
		more, err := r.next()
		if err != nil {
			return err
		}
		if more {
			open = append(open, r)
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		top := open[0]
		if err := each(top.key, top.value); err != nil {
			return err
		}
		more, err := top.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&open, 0)
		} else {
			heap.Pop(&open)
		}
	}
	return nil
}
