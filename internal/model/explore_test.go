package model

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// graph is a system given by its edges: positive steps go on by themselves, negative ones are faults.
type graph struct {
	edges map[int][]int
	bad   int // state that breaks a property
	unfit int // state that may not be at rest
}

func (g graph) initial() int { return 1 }

func (g graph) next(s *int, emit func(int, bool, *int)) {
	for _, to := range g.edges[*s] {
		at := max(to, -to)
		emit(to, to < 0, &at)
	}
}

func (g graph) broken(s *int) string {
	if *s == g.bad {
		return "broken"
	}
	return ""
}

func (g graph) atRest(s *int) string {
	if *s == g.unfit {
		return "unfit"
	}
	return ""
}

func TestExplore(t *testing.T) {
	type result struct {
		Property string
		Path     []int
		Loop     int
	}
	for name, tc := range map[string]struct {
		graph graph
		want  result
	}{
		"holds":                   {graph{edges: map[int][]int{1: {2, 3}, 2: {4}, 3: {4}, 4: {4}}}, result{}},
		"shortest way":            {graph{edges: map[int][]int{1: {2, 3}, 2: {4}, 4: {5}, 3: {5}}, bad: 5}, result{"broken", []int{3, 5}, 0}},
		"by a fault":              {graph{edges: map[int][]int{1: {2}, 2: {-3}}, bad: 3}, result{"broken", []int{2, -3}, 0}},
		"a loop":                  {graph{edges: map[int][]int{1: {2}, 2: {3}, 3: {2}}}, result{progressLoop, []int{2, 3, 2}, 2}},
		"a loop behind a fault":   {graph{edges: map[int][]int{1: {-2}, 2: {3}, 3: {2}}}, result{progressLoop, []int{-2, 3, 2}, 2}},
		"a loop of faults":        {graph{edges: map[int][]int{1: {2}, 2: {-3}, 3: {2}}}, result{}},
		"asking again is no loop": {graph{edges: map[int][]int{1: {1, 2}, 2: {2}}}, result{}},
		"rests wrongly":           {graph{edges: map[int][]int{1: {2}}, unfit: 2}, result{"unfit", []int{2}, 0}},
		"a fault ends the rest":   {graph{edges: map[int][]int{1: {2}, 2: {-3}}, unfit: 2}, result{"unfit", []int{2}, 0}},
		"passes through":          {graph{edges: map[int][]int{1: {2}, 2: {3}}, unfit: 2}, result{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, bad, err := explore(tc.graph, 100)
			if err != nil {
				t.Fatal(err)
			}
			var got result
			if bad != nil {
				got = result{Property: bad.Property, Loop: bad.Loop}
				for _, m := range bad.Trace {
					got.Path = append(got.Path, m.Label)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExploreTooLarge(t *testing.T) {
	g := graph{edges: map[int][]int{}}
	for i := 1; i < 50; i++ {
		g.edges[i] = []int{i + 1}
	}
	if _, _, err := explore(g, 10); !errors.Is(err, errTooLarge) {
		t.Errorf("error %v, want %v", err, errTooLarge)
	}
}
