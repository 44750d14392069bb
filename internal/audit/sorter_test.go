package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type pair struct{ key, value string }

func sorted(t interface{ Fatal(...any) }, s *sorter) []pair {
	var got []pair
	err := s.each(func(key, value []byte) error {
		got = append(got, pair{string(key), string(value)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value))
}

// TestSorterIsASort: whatever is added comes out in order, from memory or from runs.
func TestSorterIsASort(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := newSorter(dir, minBudget)
		var want []pair
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			key := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "key")
			value := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.SampledFrom([]int{0, 1, 20_000, 100_000}).Draw(t, "length"))
			want = append(want, pair{string(key), string(value)})
			if err := s.add(key, value); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(want, comparePairs)
		for range 2 { // it may be read again
			if got := sorted(t, s); !slices.Equal(got, want) {
				t.Fatalf("%d entries came out differently", len(got))
			}
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSorterKeepsToItsBudget: a million entries of 75 bytes go through 256 KiB.
func TestSorterKeepsToItsBudget(t *testing.T) {
	const budget, n = 256 << 10, 1_000_000
	s := newSorter(t.TempDir(), budget)
	defer s.close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	key, value := make([]byte, 0, 17), make([]byte, 58)
	for i := range n {
		key = fmt.Appendf(key[:0], "%017d", uint64(i)*2654435761%n)
		if err := s.add(key, value); err != nil {
			t.Fatal(err)
		}
	}
	got, last := 0, []byte{}
	var peak uint64
	err := s.each(func(key, _ []byte) error {
		if bytes.Compare(last, key) > 0 {
			return fmt.Errorf("%s comes behind %s", key, last)
		}
		last = append(last[:0], key...)
		if got++; got == n/2 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			peak = after.HeapAlloc
		}
		return nil
	})
	if err != nil || got != n {
		t.Fatalf("%d entries, %v", got, err)
	}
	if len(s.runs) < 200 {
		t.Errorf("%d runs: they were larger than the budget", len(s.runs))
	}
	// Merging needs 4 KiB for each run, whatever the budget says.
	if used, most := int64(peak)-int64(before.HeapAlloc), int64(budget+len(s.runs)*(4<<10)+(1<<20)); used > most {
		t.Errorf("merging holds %d bytes, want at most %d", used, most)
	}
}

func TestSorterTellsThatItCannotWrite(t *testing.T) {
	s := newSorter("/nowhere", minBudget)
	for range 3 {
		if err := s.add(nil, make([]byte, minBudget)); err != nil {
			return
		}
	}
	t.Error("it wrote to a directory that is not there")
}
