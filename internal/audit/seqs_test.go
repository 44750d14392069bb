package audit

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSeqsFindEveryGap: the set of numbers agrees with a map.
func TestSeqsFindEveryGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s seqs
		known := map[uint64]bool{}
		const far = 3 * blockBits
		near := rapid.Uint64Range(1, 200)
		number := rapid.OneOf(near, rapid.Custom(func(t *rapid.T) uint64 { return blockBits - 100 + near.Draw(t, "n") }), rapid.Uint64Range(1, far))
		for _, n := range rapid.SliceOf(number).Draw(t, "numbers") {
			if s.add(n) == known[n] {
				t.Fatalf("add(%d) is %v", n, known[n])
			}
			known[n] = true
		}
		first := rapid.Uint64Range(1, 300).Draw(t, "first")
		last := rapid.OneOf(near, rapid.Uint64Range(1, far)).Draw(t, "last")
		var want, got []uint64
		for n := first; n <= last; n++ {
			if !known[n] {
				want = append(want, n)
			}
		}
		end := uint64(0)
		s.gaps(first, last, func(r SeqRange) {
			if end != 0 && r.First <= end+1 {
				t.Fatalf("gap %v follows one that ends at %d", r, end)
			}
			end = r.Last
			for n := r.First; n <= r.Last; n++ {
				got = append(got, n)
			}
		})
		if !slices.Equal(got, want) {
			t.Fatalf("gaps within [%d, %d] are %v, want %v", first, last, got, want)
		}
		if s.count != uint64(len(known)) {
			t.Fatalf("count is %d, want %d", s.count, len(known))
		}
	})
}
