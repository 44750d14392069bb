package model

// start looks at the newest barrier, asks Postgres and takes the slot. Reading the barrier and taking the slot are one
// step; what comes in between does no harm that it could not do after.
func (m *machine) start(s *state, r uint8, emit emit) {
	where := m.serverOf(s, r)
	srv := &s.servers[where]
	if !srv.up {
		return
	}
	early := s.relays[r].shot && m.keeps(BackOff) && m.otherStarts(s, r)
	n := *s
	rl := &n.relays[r]
	rl.shot = false
	rl.server, rl.timeline, rl.behind = where, srv.timeline, s.kafka.newest > srv.timeline
	if rl.init && m.alreadyInitialised(s, srv) {
		rl.init = false
	}
	if rl.init && !m.lock(&n, r) {
		return
	}
	if l := m.enter(&n, r); l != (label{}) {
		emit(l, early, &n)
	}
}

// enter says what came of it; nothing when there is only to wait.
func (m *machine) enter(s *state, r uint8) label {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	switch {
	case m.keeps(LookFirst) && rl.behind:
		m.refuse(s, r, splitBrain)
		return note(r, "looks: a higher timeline has been here; refuses", "")
	case !srv.slot.exists && rl.init:
		rl.phase = fencing
		return note(r, "looks: there is no slot to own yet", "")
	case !srv.slot.exists && m.keeps(RefuseMissingSlot):
		m.refuse(s, r, slotMissing)
		return note(r, "asks: there is no slot; refuses", "")
	case !srv.slot.exists:
		srv.createSlot()
	}
	if !m.keeps(OwnBeforeFence) {
		rl.phase = asking
		return note(r, "looks, does not take the slot yet", "")
	}
	if !m.take(s, r) {
		return label{}
	}
	rl.phase = fencing
	if !m.keeps(FenceBeforeRead) {
		rl.durable = m.look(s)
	}
	return did(r, ownDeed, "takes the slot at", num(rl.confirmed))
}

// otherStarts: a relay that was fenced backs off for a random time, longer than a start-up takes. The model knows no time:
// that a fenced relay begins while the other is still starting is possible, but counts as a fault, and does not go on
// for ever.
func (m *machine) otherStarts(s *state, r uint8) bool {
	for other := range m.relays {
		if p := s.relays[other].phase; other != r && p >= fencing && p <= judging {
			return true
		}
	}
	return false
}

// serverOf is the server that a new session of r reaches. With a split brain the second relay follows the promotion and
// the first does not.
func (m *machine) serverOf(s *state, r uint8) uint8 {
	if r == 0 && s.servers[0].up {
		return 0
	}
	return s.survivor
}

// take starts replication at 0/0. When another walsender works on the slot there is nothing to do but to stand by.
func (m *machine) take(s *state, r uint8) bool {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	if srv.slot.owner != 0 {
		return false
	}
	srv.slot.owner = r + 1
	rl.connected = true
	rl.confirmed, rl.pos = srv.slot.confirmed, srv.slot.confirmed
	return true
}

// checkSlot asks whether our walsender still has the slot, before each try to fence. While a transaction is being
// finished another try would change nothing, so none is made.
func (m *machine) checkSlot(s *state, r uint8, emit emit) {
	if s.kafka.coordinator.state == prepared {
		return
	}
	n := *s
	if m.keeps(CheckSlotBeforeFence) && !m.mayFence(s, r) {
		n.endSession(r)
		emit(note(r, "slot is lost: new session", ""), false, &n)
		return
	}
	n.relays[r].phase = asking
	emit(note(r, "slot is ours, asks for an epoch", ""), false, &n)
}

// mayFence: the slot is ours; or we are init, there still is no slot, and the lock is ours.
func (m *machine) mayFence(s *state, r uint8) bool {
	srv := &s.servers[s.relays[r].server]
	if !s.relays[r].connected {
		return !srv.slot.exists && srv.lock == r+1
	}
	return s.owns(r)
}

// askEpoch is InitProducerID(-1, -1).
func (m *machine) askEpoch(s *state, r uint8, emit emit) {
	n := *s
	rl := &n.relays[r]
	if s.left[late] > 0 && n.send(message{kind: fenceRequest}) {
		n.left[late]--
		n.endSession(r)
		emit(told(r, initDeed, answerNone, "gets no answer", ""), true, &n)
		n = *s
	}
	if rl.behind {
		n.broken = fencesNobody
	}
	if n.kafka.coordinator.fence() == notYet {
		if s.kafka.coordinator.state == prepared {
			return
		}
		rl.phase = fencing
		if !m.keeps(OwnBeforeFence) {
			rl.phase = asking
		}
		emit(told(r, initDeed, answerBusy, "an open transaction is aborted, asks again", ""), false, &n)
		return
	}
	rl.epoch = n.kafka.coordinator.epoch
	m.afterFence(&n, r)
	emit(did(r, initDeed, "fences all older instances", ""), false, &n)
}

// afterFence goes on to the barrier.
func (m *machine) afterFence(s *state, r uint8) {
	rl := &s.relays[r]
	switch {
	case !m.keeps(FenceBeforeRead):
		rl.phase = guarding
	case !m.keeps(BarrierBeforeRead):
		rl.phase = reading
	default:
		rl.phase = reading
		rl.tx = tx{step: adding, kind: barrierTx, todo: 1 << checkpoints}
		rl.tx.ck.timeline = rl.timeline
	}
}
