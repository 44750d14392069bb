package bench

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSample(t *testing.T) {
	var s Sample
	for _, v := range []float64{3, 1, 2, 10} {
		s.add(v)
	}
	if diff := cmp.Diff(Sample{Median: 2.5, Min: 1, Max: 10, Rounds: []float64{3, 1, 2, 10}}, s); diff != "" {
		t.Error(diff)
	}
	if got := s.spread(); got != 3.6 {
		t.Errorf("spread %v, want 3.6", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	tests := []struct {
		sorted []float64
		p      float64
		want   float64
	}{
		{hundred, 50, 50},
		{hundred, 95, 95},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred, 0, 1},
		{[]float64{7}, 50, 7},
		{[]float64{7, 8}, 50, 7},
		{[]float64{7, 8}, 51, 8},
		{nil, 50, 0},
	}
	for _, tt := range tests {
		if got := percentile(tt.sorted, tt.p); got != tt.want {
			t.Errorf("percentile %v of %d values is %v, want %v", tt.p, len(tt.sorted), got, tt.want)
		}
	}
}

// At least p of 100 values are not above the percentile, and it is one of them.
func TestPercentileIsNearestRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 200).Draw(t, "values")
		p := rapid.Float64Range(0.1, 100).Draw(t, "p")
		slices.Sort(values)
		got := percentile(values, p)
		if !slices.Contains(values, got) {
			t.Fatalf("%v is not one of the values", got)
		}
		notAbove, below := 0, 0
		for _, v := range values {
			if v <= got {
				notAbove++
			}
			if v < got {
				below++
			}
		}
		n := float64(len(values))
		if float64(notAbove) < p/100*n-1e-9 || float64(below) >= p/100*n+1e-9 {
			t.Fatalf("%v: %d of %v are not above, %d are below", got, notAbove, n, below)
		}
	})
}
