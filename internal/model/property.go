package model

// property is what must hold. Some are latched in the state in which a step breaks them; check and rest look at the others.
type property uint8

const (
	nothing property = iota
	atMostOnce
	inOrder
	causedRefusal
	fencesNobody
	nothingLost
	whole
	noPhantom
	slotBehind
	drained
)

func (p property) String() string {
	return [...]string{
		"",
		"at most once: an event is published a second time",
		"order: an event is published behind a later one of its partition",
		"no refusal without a cause",
		"a relay that was left behind by a fail-over fences nobody",
		"nothing lost: a transaction is published although an earlier one is not",
		"whole: a part of a transaction is published, and no checkpoint says so",
		"nothing that was rolled back: an event is published that the database does not have",
		"the slot is never ahead of the checkpoint",
		"drained: the relays are at rest, none refuses, and something is missing",
	}[p]
}

// checkDecision looks at what a commit makes public: nothing that the server in charge does not have, once it has a
// checkpoint of its own. Before, it may be a commit that a fail-over has taken back, which nobody can know. And nothing
// behind events that Kafka has lost, in the same partition.
func (m *machine) checkDecision(s *state) {
	fresh := s.kafka.parts[firstEvents].pending | s.kafka.parts[secondEvents].pending
	if fresh&^m.transactions(s) != 0 && m.look(s).branch == s.servers[s.survivor].branch {
		s.broken = noPhantom
	}
	for _, e := range s.kafka.log.entries[:s.kafka.log.n] {
		if e.ck.phase == streamed && e.status == pendingEntry {
			s.base = min(s.base, e.ck.resume)
		}
	}
	for at := firstEvents; at <= secondEvents; at++ {
		if fresh.on(at) != 0 && s.lost.on(at) != 0 {
			s.broken = nothingLost
		}
	}
}

// transactions are the events of all transactions that the server in charge has.
func (m *machine) transactions(s *state) events {
	var all events
	srv := &s.servers[s.survivor]
	for _, e := range srv.wal[:srv.n] {
		if e < otherWAL {
			all |= m.events(uint8(e))
		}
	}
	return all
}

// events of a transaction.
func (m *machine) events(tx uint8) events {
	e := event(tx, 0)
	if m.rows[tx] == 2 {
		e |= event(tx, 1)
	}
	return e
}

// check looks at one state. While markers are being written a transaction is decided and only partly visible; that is
// Kafka's promise and not looked at.
func (m *machine) check(s *state) property {
	switch {
	case s.broken != nothing:
		return s.broken
	case m.slotIsAhead(s):
		return slotBehind
	case s.kafka.coordinator.state == prepared:
		return nothing
	}
	return m.checkVisible(s)
}

// slotIsAhead compares the slot with the newest checkpoint that is committed or decided.
func (m *machine) slotIsAhead(s *state) bool {
	srv := &s.servers[s.survivor]
	if !srv.slot.exists || s.causes.has(slotTampered|kafkaTampered) {
		return false
	}
	c := m.look(s)
	if k := &s.kafka.coordinator; k.state == prepared && k.committed && k.unmarked&(1<<checkpoints) != 0 {
		for _, e := range s.kafka.log.entries[:s.kafka.log.n] {
			if e.kind == aCheckpoint && e.status == pendingEntry {
				c = e.ck
			}
		}
	}
	return c.phase == streamed && srv.slot.confirmed > c.resume
}

// checkVisible looks at what readers see: of the log of the server in charge it is a beginning, and each transaction
// whole or accounted for.
func (m *machine) checkVisible(s *state) property {
	srv := &s.servers[s.survivor]
	visible := s.kafka.visible() | s.lost
	gap := false
	for at := s.base; at < srv.n; at++ {
		e := srv.wal[at]
		tx := uint8(e)
		if e >= otherWAL || s.hidden&(1<<tx) != 0 {
			continue
		}
		got := m.events(tx)
		seen := got & visible
		switch {
		case seen != 0 && gap:
			return nothingLost
		case seen == got:
		case seen != 0 && !m.inPart(s, tx):
			return whole
		default:
			gap = true
		}
	}
	return nothing
}

// inPart tells whether the newest checkpoint says that the transaction is published in part.
func (m *machine) inPart(s *state, tx uint8) bool {
	return m.look(s).partial == tx
}
