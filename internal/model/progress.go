package model

// The steps that are no faults must lead somewhere: a cycle among them is a way to be busy for ever without getting
// anything done, as two relays are that fence each other in turn. Asking again while nothing has changed is a step from
// a state to itself, and no cycle.

const progressLoop = "progress: a cycle without faults, so nothing need ever get done"

// colour of a state during the search for a cycle.
type colour uint8

const (
	unseen colour = iota
	onPath
	done
)

// findLoop looks for a cycle of steps that are no faults.
func (x *exploration[S, L]) findLoop() *violation[S, L] {
	colours := make([]colour, len(x.parent))
	var path, at []int32 // states on the path, and the next edge to look at in each
	for start := range colours {
		if colours[start] != unseen {
			continue
		}
		path, at = append(path[:0], int32(start)), append(at[:0], x.first[start])
		colours[start] = onPath
		for len(path) > 0 {
			top := len(path) - 1
			if at[top] == x.first[path[top]+1] {
				colours[path[top]] = done
				path, at = path[:top], at[:top]
				continue
			}
			to := x.edges[at[top]]
			at[top]++
			switch colours[to] {
			case onPath:
				return x.loop(path, to)
			case unseen:
				colours[to] = onPath
				path, at = append(path, to), append(at, x.first[to])
			}
		}
	}
	return nil
}

// loop makes a violation of the cycle from the state to, which is on the path, back to it.
func (x *exploration[S, L]) loop(path []int32, to int32) *violation[S, L] {
	start := 0
	for path[start] != to {
		start++
	}
	cycle := append(append([]int32{}, path[start+1:]...), to)
	return &violation[S, L]{
		Property: progressLoop,
		Trace:    x.trace(append(x.path(to), cycle...)),
		Loop:     len(cycle),
	}
}
