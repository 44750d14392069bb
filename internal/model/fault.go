package model

// Fault is something that may go wrong, or that somebody may do.
type Fault uint8

const (
	crash Fault = iota // of a relay
	pause              // a relay sleeps until Postgres gives its slot away; it does not know
	late               // a request is not answered; it is executed later, at once or never
	doubledRequest
	doubledMarker
	transactionTimeout
	staleView // a reader is shown an older end of the checkpoint log
	postgresCrash
	promotion        // of a standby that has everything
	lossyPromotion   // of one that lacks the last entry
	slotLostAtSwitch // a promotion without the slot
	split            // a promotion while the old primary goes on
	strayCommit      // on that old primary
	coldCopy
	restoredCopy
	slotAdvanced
	slotRecreated
	slotDropped
	topicEmptied   // the checkpoint topic is deleted and made again
	topicMirrored  // it is replaced by an older copy of itself
	checkpointLost // the checkpoint partition loses its last checkpoint
	logTrimmed     // the checkpoint log is deleted from its beginning
	eventsLost     // an event partition loses its last event
	tableOut       // the outbox table is taken out of the publication
	tableIn
	numFaults
)

// causes are kinds of interference that nobody can see from the state any more.
type causes uint8

const (
	slotTampered causes = 1 << iota
	kafkaTampered
	diskRestored
)

func (c causes) has(any causes) bool { return c&any != 0 }

// faultSteps emit each fault that can happen now.
func (m *machine) faultSteps(s *state, emit emit) {
	m.relayFaults(s, emit)
	m.serverFaults(s, emit)
	m.slotFaults(s, emit)
	m.publicationFaults(s, emit)
	m.kafkaFaults(s, emit)
}

// inflict emits a fault of the world if its budget allows, after do has changed the copy. do tells whether it can happen.
func inflict(s *state, f Fault, who uint8, what string, do func(*state) bool, emit emit) {
	if s.left[f] == 0 {
		return
	}
	n := *s
	n.left[f]--
	if do(&n) {
		emit(note(who, what, ""), true, &n)
	}
}

func (m *machine) relayFaults(s *state, emit emit) {
	for r := range m.relays {
		rl := &s.relays[r]
		if rl.phase == starting || rl.phase == refused && !m.init {
			continue
		}
		inflict(s, crash, r, "crashes", func(n *state) bool { m.crash(n, r); return true }, emit)
		inflict(s, pause, r, "sleeps; Postgres gives its slot away", func(n *state) bool {
			srv := &n.servers[rl.server]
			held := s.owns(r) || srv.lock == r+1
			n.unlock(r)
			if s.owns(r) {
				srv.slot.owner = 0
			}
			return held
		}, emit)
	}
}

func (m *machine) serverFaults(s *state, emit emit) {
	srv := &s.servers[s.survivor]
	inflict(s, postgresCrash, world, "Postgres crashes; the slot falls back", func(n *state) bool {
		v := &n.servers[n.survivor]
		v.slot.owner, v.slot.confirmed = 0, v.slot.saved
		return true
	}, emit)
	inflict(s, promotion, world, "a standby that has everything is promoted", func(n *state) bool {
		n.promote(&n.servers[n.survivor], 0, true)
		return true
	}, emit)
	inflict(s, lossyPromotion, world, "a standby that lacks the last entry is promoted", func(n *state) bool {
		if srv.n == 0 {
			return false
		}
		n.promote(&n.servers[n.survivor], 1, true)
		return true
	}, emit)
	inflict(s, slotLostAtSwitch, world, "a standby without the slot is promoted", func(n *state) bool {
		n.promote(&n.servers[n.survivor], 0, false)
		return true
	}, emit)
	inflict(s, split, world, "a standby is promoted, and the old primary goes on", func(n *state) bool {
		if s.survivor != 0 {
			return false
		}
		n.survivor = 1
		n.servers[1] = n.servers[0]
		n.promote(&n.servers[1], 0, true)
		return true
	}, emit)
	inflict(s, coldCopy, world, "the data directory is copied", func(n *state) bool {
		n.copied = *srv
		n.copied.slot.owner = 0
		return true
	}, emit)
	inflict(s, restoredCopy, world, "the copy is started in place of the server", func(n *state) bool {
		n.restore()
		n.causes |= diskRestored
		return s.copied.up
	}, emit)
}

func (m *machine) slotFaults(s *state, emit emit) {
	srv := &s.servers[s.survivor]
	tamper := func(f Fault, what string, do func(*slot)) {
		inflict(s, f, world, what, func(n *state) bool {
			v := &n.servers[n.survivor]
			do(&v.slot)
			n.causes |= slotTampered
			return srv.slot.exists && srv.slot.owner == 0
		}, emit)
	}
	if srv.slot.confirmed < srv.n {
		tamper(slotAdvanced, "somebody advances the slot", func(v *slot) { v.confirmed, v.saved = srv.n, srv.n })
		tamper(slotRecreated, "somebody drops the slot and makes it again", func(v *slot) { v.confirmed, v.saved = srv.n, srv.n })
	}
	tamper(slotDropped, "somebody drops the slot", func(v *slot) { *v = slot{} })
}

func (m *machine) publicationFaults(s *state, emit emit) {
	srv := &s.servers[s.survivor]
	inflict(s, tableOut, world, "the outbox table is taken out of the publication", func(n *state) bool {
		n.servers[n.survivor].out = true
		n.servers[n.survivor].publication++
		return !srv.out
	}, emit)
	inflict(s, tableIn, world, "the outbox table is put back into the publication", func(n *state) bool {
		n.servers[n.survivor].out = false
		n.servers[n.survivor].publication++
		return srv.out
	}, emit)
}
