package model

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
)

// system is what the explorer walks: states, and the steps between them. It knows nothing of relays.
//
// A step is either a fault, which may or may not happen, or something that goes on by itself as long as it can. States
// of S are compared by value: two that behave alike must be equal, or the walk does not end.
type system[S comparable, L comparable] interface {
	initial() S
	// next hands every step out of s to emit. The state is only borrowed.
	next(s *S, emit func(label L, fault bool, to *S))
	// broken names the property that s breaks, or nothing.
	broken(s *S) string
	// atRest names what is missing in a state that only a fault can leave, or nothing.
	atRest(s *S) string
}

// errTooLarge: the walk met more states than it was allowed to.
var errTooLarge = errors.New("too many states")

// violation is a property that does not hold, and the shortest way to the state where it does not.
type violation[S comparable, L comparable] struct {
	Property string
	Trace    []move[S, L]
	// Loop is how many of the last moves repeat for ever; 0 when the last state itself is the violation.
	Loop int
}

// move is one step of a trace and the state it leads to.
type move[S comparable, L comparable] struct {
	Label L
	State S
}

// String prints the trace, one step a line.
func (v *violation[S, L]) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, v.Property)
	for i, m := range v.Trace {
		if v.Loop > 0 && i == len(v.Trace)-v.Loop {
			fmt.Fprintln(&b, "  and from here for ever:")
		}
		fmt.Fprintf(&b, "  %2d. %-58v %v\n", i+1, m.Label, m.State)
	}
	return b.String()
}

// exploration is one walk over all states. States are told apart by a 64-bit hash: with a million of them, two share
// one with a probability of 3 in 10^8, which would hide what lies behind one of the two.
type exploration[S comparable, L comparable] struct {
	system system[S, L]
	limit  int
	seed   maphash.Seed

	ids    map[uint64]int32
	parent []int32 // of each state, the one it was found from
	edges  []int32 // targets of the steps that are no faults, state by state
	first  []int32 // of each state, the index of its first edge
	steps  int     // number of transitions seen
	depth  int
}

// explore walks breadth first over every state that can be reached and returns the first violation, with the shortest
// trace to it; or none. Properties of single states come first, then progress: no cycle without faults, and nothing
// missing where only a fault could go on.
func explore[S comparable, L comparable](sys system[S, L], limit int) (*exploration[S, L], *violation[S, L], error) {
	x := &exploration[S, L]{system: sys, limit: limit, seed: maphash.MakeSeed(), ids: map[uint64]int32{}}
	init := sys.initial()
	x.visit(&init, -1)
	level := []S{init}
	for len(level) > 0 {
		next, bad, err := x.level(level)
		if bad != nil || err != nil {
			return x, bad, err
		}
		level = next
		x.depth++
	}
	x.first = append(x.first, int32(len(x.edges)))
	return x, x.findLoop(), nil
}

// level takes every step out of the states of one depth and returns the states that are new.
func (x *exploration[S, L]) level(level []S) ([]S, *violation[S, L], error) {
	var next []S
	base := int32(len(x.first))
	for i := range level {
		from := base + int32(i)
		x.first = append(x.first, int32(len(x.edges)))
		var wrong string
		wrongID, rest := from, true
		x.system.next(&level[i], func(_ L, fault bool, to *S) {
			x.steps++
			id, isNew := x.visit(to, from)
			if !fault && id != from {
				x.edges = append(x.edges, id)
				rest = false
			}
			if !isNew {
				return
			}
			if p := x.system.broken(to); p != "" && wrong == "" {
				wrong, wrongID = p, id
			}
			next = append(next, *to)
		})
		if wrong == "" && rest {
			wrong = x.system.atRest(&level[i])
		}
		if wrong != "" {
			return nil, &violation[S, L]{Property: wrong, Trace: x.trace(x.path(wrongID))}, nil
		}
		if len(x.parent) > x.limit {
			return nil, nil, fmt.Errorf("explore beyond %d states: %w", x.limit, errTooLarge)
		}
	}
	return next, nil, nil
}

// visit gives the number of a state, and whether it is a new one. Numbers follow the order of discovery, which is the
// order in which the states are expanded later.
func (x *exploration[S, L]) visit(s *S, from int32) (id int32, isNew bool) {
	key := maphash.Comparable(x.seed, *s)
	if id, ok := x.ids[key]; ok {
		return id, false
	}
	id = int32(len(x.parent))
	x.ids[key] = id
	x.parent = append(x.parent, from)
	return id, true
}

// path lists the states from the initial one to id.
func (x *exploration[S, L]) path(id int32) []int32 {
	var path []int32
	for ; id >= 0; id = x.parent[id] {
		path = append(path, id)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// trace takes the steps of a path again: states are not kept, which would be most of the memory.
func (x *exploration[S, L]) trace(path []int32) []move[S, L] {
	at := x.system.initial()
	var moves []move[S, L]
	for _, want := range path[1:] {
		var found *move[S, L]
		x.system.next(&at, func(label L, _ bool, to *S) {
			if found == nil && x.ids[maphash.Comparable(x.seed, *to)] == want {
				found = &move[S, L]{label, *to}
			}
		})
		if found == nil {
			break // two states with one hash
		}
		moves = append(moves, *found)
		at = found.State
	}
	return moves
}
