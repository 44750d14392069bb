package model

// streamSteps are what a session does after the guard: it takes from the stream, fills batches, and acknowledges.
func (m *machine) streamSteps(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.connected && !s.owns(r) {
		n := *s
		n.endSession(r)
		emit(note(r, "notices that the slot is lost; new session", ""), false, &n)
	} else {
		m.receive(s, r, emit)
		m.keepalive(s, r, emit)
		m.acknowledge(s, r, emit)
		m.watch(s, r, emit)
	}
	m.begin(s, r, emit)
}

// receive works the next entry of the stream off.
func (m *machine) receive(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	if rl.pos >= srv.n {
		return
	}
	n := *s
	e := srv.wal[rl.pos]
	tx := uint8(e &^ rolledBack)
	if e == otherWAL || e&rolledBack != 0 && m.keeps(IgnoreNonTransactional) || s.hidden&(1<<tx) != 0 {
		n.relays[r].pos++
		emit(note(r, "receives nothing for it, now at", num(rl.pos+1)), false, &n)
		return
	}
	switch why := m.suspect(rl, tx); {
	case why != accepted:
		m.refuse(&n, r, why)
		emit(note(r, "receives something else than was published; refuses at", num(rl.pos)), false, &n)
	case m.decided(rl):
		w := &rl.durable
		n.relays[r].seen = rl.seen || rl.pos == w.witnessLSN && w.witness != 0
		n.relays[r].pos++
		emit(did(r, skipDeed, "decided already, transaction", num(tx)), false, &n)
	case m.fillBatch(&n, r, tx):
		emit(note(r, "receives transaction", num(tx)), false, &n)
	}
}

// decided tells whether the entry at pos is one that the checkpoint covers.
func (m *machine) decided(rl *relay) bool {
	if !m.keeps(SkipIsExclusive) && rl.fill.events == 0 {
		return rl.pos <= rl.fill.ck.resume
	}
	return rl.pos < rl.fill.ck.resume
}

// suspect compares the stream with the witness: rules a and c of start-up, for the transaction tx at pos, and b for a
// transaction that was published in part.
func (m *machine) suspect(rl *relay, tx uint8) verdict {
	c := &rl.durable
	switch {
	case c.witness != 0 && rl.pos == c.witnessLSN:
		if m.keeps(WitnessMatches) && tx != c.witness {
			return witnessDiffers
		}
	case c.witness != 0 && rl.pos > c.witnessLSN && m.unseen(rl):
		return witnessDiffers
	case c.witness != 0 && rl.pos > c.witnessLSN && rl.pos < c.resume:
		if m.keeps(NothingAfterWitness) {
			return witnessDiffers
		}
	case c.witness == 0 && rl.pos >= c.witnessLSN && rl.pos < c.resume:
		if m.keeps(FloorBeforeWitness) {
			return witnessDiffers
		}
	}
	if awaitsPart(rl) && rl.pos >= c.resume && tx != c.partial && m.keeps(PartialMatches) {
		return witnessDiffers
	}
	return accepted
}

// awaitsPart: the transaction that was published in part has not come by yet.
func awaitsPart(rl *relay) bool {
	return rl.durable.partial != 0 && rl.fill.ck.partial != 0 && rl.row == 0
}

// unseen tells whether the server should have sent the witness, and has not.
func (m *machine) unseen(rl *relay) bool {
	c := &rl.durable
	return m.keeps(WitnessSeen) && c.witness != 0 && !rl.seen && rl.confirmed <= c.witnessLSN
}

// settled tells whether rule c is out of the way: before, nothing is acknowledged.
func (m *machine) settled(rl *relay) bool {
	return !m.keeps(SettledBeforeAcknowledge) || !m.unseen(rl)
}
