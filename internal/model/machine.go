package model

// machine is the transition function of one scenario, with some rules taken out.
type machine struct {
	removed RuleSet
	relays  uint8
	init    bool // a process begins with relay init
	first   state
	script  []entry
	rows    [8]uint8
	large   [8]bool
	bad     events // events that a broker refuses
	raw     bool   // keep epochs as they are; for walks that do not look for states seen before
	keep    int    // how many committed checkpoints a reader may find
}

// emit hands a step out.
type emit func(l label, fault bool, to *state)

func (m *machine) keeps(r Rule) bool { return !m.removed.Has(r) }

func (m *machine) initial() state { return m.first }

func (m *machine) next(s *state, out func(label, bool, *state)) {
	emit := func(l label, fault bool, to *state) {
		n := *to
		m.normalise(&n)
		out(l, fault, &n)
	}
	if s.broken != nothing {
		return
	}
	m.serverSteps(s, emit)
	m.markerSteps(s, emit)
	m.networkSteps(s, emit)
	for r := range m.relays {
		m.relaySteps(s, r, emit)
	}
	m.faultSteps(s, emit)
}

func (m *machine) broken(s *state) string { return m.check(s).String() }

func (m *machine) atRest(s *state) string { return m.rest(s).String() }

// normalise makes states equal that behave alike.
func (m *machine) normalise(s *state) {
	s.kafka.log.compact(m.keep)
	s.sortNet()
	if !m.raw {
		s.rankEpochs()
	}
}

// rankEpochs renumbers the epochs in use from 1, in their order. Only their order matters, and two relays that fence
// each other in turn then come back to the state they began with, which is how progress sees it.
func (s *state) rankEpochs() {
	var used uint64
	s.eachEpoch(func(e *uint8) { used |= 1 << *e })
	var rank [64]uint8
	next := uint8(1)
	for e := 1; e < len(rank); e++ {
		if used&(1<<e) != 0 {
			rank[e] = next
			next++
		}
	}
	s.eachEpoch(func(e *uint8) { *e = rank[*e] })
}

// eachEpoch visits every place that holds an epoch.
func (s *state) eachEpoch(visit func(*uint8)) {
	k := &s.kafka
	visit(&k.coordinator.epoch)
	visit(&k.coordinator.last)
	for i := range k.parts {
		visit(&k.parts[i].epoch)
		visit(&k.parts[i].openEpoch)
	}
	for i := range s.relays {
		visit(&s.relays[i].epoch)
	}
	for i := range s.net {
		visit(&s.net[i].epoch)
		visit(&s.net[i].batch.epoch)
	}
}
