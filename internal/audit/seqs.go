package audit

import (
	"maps"
	"math/bits"
	"slices"
)

// seqs is a set of relay-seq numbers: a bit for each, in blocks that are made when first needed. Ten million numbers
// take 1.3 MB.
type seqs struct {
	blocks  map[uint64]*block
	count   uint64
	lowest  uint64 // 0: none
	highest uint64
}

const blockBits = 1 << 16

type block [blockBits / 64]uint64

// add tells whether n is new.
func (s *seqs) add(n uint64) bool {
	if s.blocks == nil {
		s.blocks = map[uint64]*block{}
	}
	b := s.blocks[n/blockBits]
	if b == nil {
		b = &block{}
		s.blocks[n/blockBits] = b
	}
	word, bit := &b[n%blockBits/64], uint64(1)<<(n%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.count++
	s.highest = max(s.highest, n)
	if s.lowest == 0 || n < s.lowest {
		s.lowest = n
	}
	return true
}

// SeqRange is a run of relay-seq numbers, both ends included.
type SeqRange struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// gaps calls f with each run of numbers within [first, last] that are not in the set, in order.
func (s *seqs) gaps(first, last uint64, f func(SeqRange)) {
	if first > last {
		return
	}
	next := first // the first number that nothing is known of yet
	missing := func(until uint64) {
		if next < until {
			f(SeqRange{next, until - 1})
		}
	}
	for _, at := range slices.Sorted(maps.Keys(s.blocks)) {
		for w, word := range s.blocks[at] {
			for base := at*blockBits + uint64(w)*64; word != 0; word &= word - 1 {
				n := base + uint64(bits.TrailingZeros64(word))
				if n < next {
					continue
				}
				if n > last {
					missing(last + 1)
					return
				}
				missing(n)
				next = n + 1
			}
		}
	}
	missing(last + 1)
}
