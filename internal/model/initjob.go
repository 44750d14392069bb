package model

// `relay init` is a session with another job: the same fence, barrier and reading, then a slot is made between two
// records. Each process runs it first and `relay run` after, so that it is repeated, interrupted and run twice at once.
//
// Init waits for an advisory lock, which it may lose without knowing. No safety rests on it; but without a slot it is
// the only thing that keeps two of them from fencing each other for ever, so it is looked at before each try.

// alreadyInitialised is the unfenced look at the start of init.
func (m *machine) alreadyInitialised(s *state, srv *server) bool {
	c := m.look(s)
	return srv.slot.exists && (c.phase == streamed || srv.slot.owner != 0)
}

// lock takes the advisory lock of init.
func (m *machine) lock(s *state, r uint8) bool {
	srv := &s.servers[s.relays[r].server]
	if srv.lock != 0 {
		return false
	}
	srv.lock = r + 1
	return true
}

// guardInit decides what is left to do.
func (m *machine) guardInit(s *state, r uint8, emit emit) {
	n := *s
	rl := &n.relays[r]
	switch c := &rl.durable; {
	case c.phase == noCheckpoint && s.kafka.trimmed && m.keeps(NoneOnlyFromZero), c.phase == noCheckpoint && rl.connected:
		m.refuse(&n, r, checkpointMissing)
		emit(note(r, "relay init: no checkpoint to be found; refuses", ""), false, &n)
	case c.phase == noCheckpoint && !m.keeps(CreatingBeforeSlot):
		rl.phase = makingSlot
		emit(note(r, "relay init: goes to make the slot at once", ""), false, &n)
	case c.phase == noCheckpoint:
		m.beginInit(&n, r, creatingTx)
		emit(note(r, "relay init: begins a transaction with the creating record", ""), false, &n)
	case c.phase == creating && rl.connected:
		rl.phase = owningSlot
		emit(note(r, "relay init: goes on with the slot that it made before", ""), false, &n)
	case c.phase == creating:
		rl.phase = makingSlot
		emit(note(r, "relay init: goes on with making the slot", ""), false, &n)
	case !s.servers[rl.server].slot.exists && m.keeps(RefuseMissingSlot):
		m.refuse(&n, r, slotMissing)
		emit(note(r, "relay init: there is a checkpoint and no slot; refuses", ""), false, &n)
	default:
		n.endSession(r)
		n.relays[r].init = false
		emit(note(r, "relay init: is done already", ""), false, &n)
	}
}

// beginInit starts the Kafka transaction of a record that init writes.
func (m *machine) beginInit(s *state, r uint8, kind txKind) {
	rl := &s.relays[r]
	rl.tx = tx{step: adding, kind: kind, todo: 1 << checkpoints}
	rl.tx.ck = checkpoint{phase: creating, topic: s.kafka.topic}
	if kind == streamTx {
		rl.tx.ck = m.firstCheckpoint(s, r)
	}
}

// firstCheckpoint is where the slot begins.
func (m *machine) firstCheckpoint(s *state, r uint8) checkpoint {
	srv := &s.servers[s.relays[r].server]
	return checkpoint{
		phase: streamed, timeline: srv.timeline, branch: srv.branch, topic: s.kafka.topic, publication: srv.publication,
		resume: srv.slot.confirmed, witnessLSN: srv.slot.confirmed,
	}
}

// makeSlot creates the slot. If it is there meanwhile, another instance was faster, and this one has to look again.
func (m *machine) makeSlot(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.tx.step != noStep {
		return
	}
	n := *s
	srv := &n.servers[rl.server]
	if srv.slot.exists {
		n.endSession(r)
		emit(note(r, "relay init: the slot is there meanwhile; new session", ""), false, &n)
		return
	}
	srv.createSlot()
	n.relays[r].phase = owningSlot
	emit(note(r, "relay init: makes the slot at", num(srv.n)), false, &n)
}

func (srv *server) createSlot() {
	srv.slot = slot{exists: true, confirmed: srv.n, saved: srv.n}
}

// ownNewSlot takes the slot and writes the record that makes the relay ready.
func (m *machine) ownNewSlot(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.tx.step != noStep {
		return
	}
	n := *s
	if !rl.connected {
		if !n.servers[rl.server].slot.exists || !m.take(&n, r) {
			n.endSession(r)
			emit(note(r, "relay init: the slot is in use; new session", ""), false, &n)
			return
		}
		emit(did(r, ownDeed, "takes the new slot at", num(n.relays[r].confirmed)), false, &n)
		return
	}
	m.beginInit(&n, r, streamTx)
	emit(note(r, "relay init: begins a transaction with the first checkpoint", ""), false, &n)
}
