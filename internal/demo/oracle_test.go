package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// history is three keys of two partitions with two events each, published without a fault.
func history() ([]event, []record) {
	var written []event
	var read []record
	for version := int64(1); version <= 2; version++ {
		for key := range 3 {
			e := event{ID: fmt.Sprintf("%d.%d", key, version), Key: fmt.Sprint(key), Version: version, Payload: "{}"}
			written = append(written, e)
			read = append(read, record{partition: int32(key % 2), id: e.ID, key: e.Key, payload: e.Payload, seq: uint64(len(written))})
		}
	}
	return written, read
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(written []event, read []record) ([]event, []record)
		want  verdict
	}{
		{
			name:  "even",
			spoil: func(w []event, r []record) ([]event, []record) { return w, r },
			want:  verdict{written: 6, once: 6, records: 6},
		},
		{
			name:  "a missing event",
			spoil: func(w []event, r []record) ([]event, []record) { return w, r[:5] },
			want:  verdict{written: 6, once: 5, missing: 1, records: 5},
		},
		{
			name: "an event published again",
			spoil: func(w []event, r []record) ([]event, []record) {
				again := r[0]
				again.seq = 7
				return w, append(r, again)
			},
			want: verdict{written: 6, once: 5, twice: 1, records: 7},
		},
		{
			name: "two events of a key the wrong way round",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[0].id, r[3].id = r[3].id, r[0].id
				return w, r
			},
			want: verdict{written: 6, once: 6, disorder: 1, records: 6},
		},
		{
			name: "a key that changes its partition",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[3].partition = 1
				return w, r
			},
			want: verdict{written: 6, once: 6, disorder: 1, records: 6},
		},
		{
			name:  "an event that was rolled back",
			spoil: func(w []event, r []record) ([]event, []record) { return w[:5], r },
			want:  verdict{written: 5, once: 5, phantom: 1, records: 6},
		},
		{
			name: "another payload",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[2].payload = "{ }"
				return w, r
			},
			want: verdict{written: 6, once: 6, changed: 1, records: 6},
		},
		{
			name: "another key",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[2].key = "9"
				return w, r
			},
			want: verdict{written: 6, once: 6, changed: 1, records: 6},
		},
		{
			name: "a number left out",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[5].seq = 7
				return w, r
			},
			want: verdict{written: 6, once: 6, brokenSeq: 1, records: 6},
		},
		{
			name: "numbers that go back within a partition",
			spoil: func(w []event, r []record) ([]event, []record) {
				r[0].seq, r[2].seq = r[2].seq, r[0].seq
				return w, r
			},
			want: verdict{written: 6, once: 6, brokenSeq: 1, records: 6},
		},
		{
			name:  "nothing at all",
			spoil: func([]event, []record) ([]event, []record) { return nil, nil },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			written, read := tt.spoil(history())
			got := judge(written, read)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("judge (-want +got):\n%s", diff)
			}
			if even := tt.name == "even"; got.even() != even {
				t.Errorf("even is %t, want %t", got.even(), even)
			}
		})
	}
}

// TestAnyMixOfPartitionsIsEven: the order between partitions says nothing.
func TestAnyMixOfPartitionsIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written, read := history()
		var mixed []record
		parts := [][]record{of(0, read), of(1, read)}
		for len(parts[0])+len(parts[1]) > 0 {
			i := rapid.IntRange(0, 1).Draw(t, "partition")
			if len(parts[i]) == 0 {
				i = 1 - i
			}
			mixed, parts[i] = append(mixed, parts[i][0]), parts[i][1:]
		}
		if v := judge(written, mixed); !v.even() {
			t.Fatalf("%+v, want even", v)
		}
	})
}

func of(partition int32, read []record) []record {
	return slices.DeleteFunc(slices.Clone(read), func(r record) bool { return r.partition != partition })
}
