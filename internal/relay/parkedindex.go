package relay

import (
	"slices"
	"strings"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// ParkedEvent is an event of the parked topic without its value and headers, of which any number may be large.
type ParkedEvent struct {
	publisher.Parked
	Size int // bytes of value and headers
}

// Held tells whether the event only waits behind another one.
func (e *ParkedEvent) Held() bool { return outbox.Reason(e.Reason) == reasonHeld }

// parkedIndex is what is parked now, by position.
type parkedIndex map[outbox.Position]*ParkedEvent

// take notes a record of the parked topic: a nil event is one that is parked no more.
func (x parkedIndex) take(at outbox.Position, e *publisher.Parked) error {
	if e == nil {
		delete(x, at)
		return nil
	}
	entry := &ParkedEvent{Parked: *e, Size: len(e.Value)}
	for _, h := range e.Headers {
		entry.Size += len(h.Key) + len(h.Value)
	}
	entry.Value, entry.Headers, entry.Key = nil, nil, slices.Clone(e.Key)
	x[at] = entry
	return nil
}

// sorted are all events in the order in which they were committed.
func (x parkedIndex) sorted() []*ParkedEvent {
	all := make([]*ParkedEvent, 0, len(x))
	for _, e := range x {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *ParkedEvent) int { return comparePositions(a.Position, b.Position) })
	return all
}

// chain is an event with those that wait behind it, in order.
type chain []*ParkedEvent

// chains groups events: those of one topic and key of which some wait behind another one are a chain, every other event
// is one by itself.
func (x parkedIndex) chains() []chain {
	all := x.sorted()
	chained := make(map[string]bool)
	for _, e := range all {
		if e.Behind != "" {
			chained[chainName(e)] = true
		}
	}
	var chains []chain
	at := make(map[string]int)
	for _, e := range all {
		name := chainName(e)
		n, begun := at[name]
		switch {
		case !chained[name]:
			chains = append(chains, chain{e})
		case begun:
			chains[n] = append(chains[n], e)
		default:
			at[name] = len(chains)
			chains = append(chains, chain{e})
		}
	}
	return chains
}

// chainName is topic/key, as in the names of holds; a null key has no chain.
func chainName(e *ParkedEvent) string {
	if e.Key == nil {
		return e.Position.String()
	}
	return holdName(e.Topic, e.Key)
}

// comparePositions orders positions as they were committed, within a timeline and over a promotion.
func comparePositions(a, b outbox.Position) int { return strings.Compare(a.String(), b.String()) }

// Selection says which parked events are meant. The zero value is none.
type Selection struct {
	All    bool
	Events []string // positions or ids
	Topic  string
	Reason string
}

// names tells whether an event is meant.
func (s *Selection) names(e *ParkedEvent) bool {
	switch {
	case slices.Contains(s.Events, e.Position.String()), e.ID != "" && slices.Contains(s.Events, e.ID):
		return true
	case len(s.Events) > 0, s.Topic != "" && s.Topic != e.Topic, s.Reason != "" && s.Reason != e.Reason:
		return false
	}
	return s.All || s.Topic != "" || s.Reason != ""
}

// skips is names for events that are given up: those that wait are not meant by a filter unless it says so, for they can
// be published when what they wait behind is gone.
func (s *Selection) skips(e *ParkedEvent) bool {
	return s.names(e) && (!e.Held() || len(s.Events) > 0 || outbox.Reason(s.Reason) == reasonHeld)
}

// unknown are the names of events that are not parked.
func (s *Selection) unknown(x parkedIndex) []string {
	return slices.DeleteFunc(slices.Clone(s.Events), func(name string) bool {
		for _, e := range x {
			if e.Position.String() == name || (e.ID != "" && e.ID == name) {
				return true
			}
		}
		return false
	})
}
