package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"unsafe"
)

// sorter puts any number of entries in order within a budget of memory: what does not fit is sorted and written to a
// temporary file as a run, and the runs are merged when they are read. An entry is a key and a value, both opaque; it
// comes out by key, then by value.
type sorter struct {
	dir    string
	budget int

	bytes []byte // of the entries at hand
	items []item
	spill *os.File // nil: everything is at hand
	runs  []section
	wrote int64
}

// item is an entry at hand. prefix decides nearly all comparisons without looking at bytes.
type item struct {
	prefix           uint64
	at, keyEnd, last uint32
}

// section is a run's place in the spill file.
type section struct{ at, length int64 }

const (
	itemSize  = int(unsafe.Sizeof(item{}))
	minBudget = 64 << 10
	maxBudget = 1 << 30 // an item has 32-bit offsets, and Go may double what it grows
)

// newSorter keeps to budget bytes, within 64 KiB and 1 GiB, and writes to dir ("": the system's own) what does not fit.
func newSorter(dir string, budget int) *sorter {
	return &sorter{dir: dir, budget: min(max(budget, minBudget), maxBudget)}
}

// add copies an entry.
func (s *sorter) add(key, value []byte) error {
	if s.items == nil { // once and for all: to grow it would need three times the memory
		const usual = 64 // bytes of an entry
		n := s.budget / (usual + itemSize)
		s.bytes, s.items = make([]byte, 0, n*usual), make([]item, 0, n)
	}
	full := len(s.bytes)+len(key)+len(value) > cap(s.bytes) || len(s.items) == cap(s.items)
	if full && len(s.items) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	at := len(s.bytes)
	s.bytes = append(append(s.bytes, key...), value...)
	s.items = append(s.items, item{prefix: prefixOf(key), at: uint32(at), keyEnd: uint32(at + len(key)), last: uint32(len(s.bytes))})
	return nil
}

// prefixOf orders as the first eight bytes of the key do.
func prefixOf(key []byte) uint64 {
	var first [8]byte
	copy(first[:], key)
	return binary.BigEndian.Uint64(first[:])
}

func (s *sorter) key(i item) []byte   { return s.bytes[i.at:i.keyEnd] }
func (s *sorter) value(i item) []byte { return s.bytes[i.keyEnd:i.last] }

func (s *sorter) sort() {
	slices.SortFunc(s.items, func(a, b item) int {
		return cmp.Or(
			cmp.Compare(a.prefix, b.prefix),
			bytes.Compare(s.key(a), s.key(b)),
			bytes.Compare(s.value(a), s.value(b)),
		)
	})
}

// flush writes what is at hand as a run.
func (s *sorter) flush() error {
	if err := s.openSpill(); err != nil {
		return err
	}
	s.sort()
	w := newRunWriter(s.spill, s.wrote)
	for _, i := range s.items {
		if err := w.write(s.key(i), s.value(i)); err != nil {
			return err
		}
	}
	length, err := w.finish()
	if err != nil {
		return err
	}
	s.runs = append(s.runs, section{s.wrote, length})
	s.wrote += length
	s.bytes, s.items = s.bytes[:0], s.items[:0]
	return nil
}

func (s *sorter) openSpill() error {
	if s.spill != nil {
		return nil
	}
	f, err := os.CreateTemp(s.dir, "relay-audit-*")
	if err != nil {
		return fmt.Errorf("create temporary file: %w", err)
	}
	// Where the system allows it the name goes at once, and nothing is left behind whatever ends the process.
	_ = os.Remove(f.Name())
	s.spill = f
	return nil
}

// each gives all entries in order. key and value are borrowed for the call. It may be called again; nothing may be
// added any more.
func (s *sorter) each(f func(key, value []byte) error) error {
	if s.spill == nil {
		s.sort()
		for _, i := range s.items {
			if err := f(s.key(i), s.value(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.items) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.bytes, s.items = nil, nil // the readers' buffers take their place
	return mergeRuns(s.spill, s.runs, s.budget, f)
}

// close gives up memory and file.
func (s *sorter) close() error {
	s.bytes, s.items = nil, nil
	if s.spill == nil {
		return nil
	}
	err := s.spill.Close()
	if rest := os.Remove(s.spill.Name()); rest != nil && !errors.Is(rest, os.ErrNotExist) {
		err = errors.Join(err, rest)
	}
	s.spill = nil
	return err
}
