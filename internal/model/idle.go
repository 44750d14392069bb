package model

// keepalive carries the end of the WAL, in stream order. It may bring an idle checkpoint.
func (m *machine) keepalive(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	n := *s
	if rl.row == 0 && rl.pos == srv.n && m.missed(rl) {
		m.refuse(&n, r, witnessDiffers)
		emit(note(r, "does not receive what was published; refuses", ""), false, &n)
		return
	}
	end, usable := m.keepaliveEnd(rl, srv)
	if !usable || end <= rl.durable.resume || !m.mayBeIdle(rl) {
		return
	}
	m.beginIdle(&n, r, end)
	emit(note(r, "idle checkpoint begins, at", num(end)), false, &n)
}

// missed: the stream has gone past the witness, or past the transaction published in part, without sending it.
func (m *machine) missed(rl *relay) bool {
	c := &rl.durable
	return m.unseen(rl) && rl.pos > c.witnessLSN ||
		m.keeps(PartialSeen) && awaitsPart(rl) && rl.pos > c.partialLSN
}

// keepaliveEnd is the WAL end that a keepalive brings: at the end of the log what it says has been received before it.
// One that comes inside a transaction, or overtakes what is still in the pipeline, is of no use.
func (m *machine) keepaliveEnd(rl *relay, srv *server) (end uint8, usable bool) {
	switch {
	case rl.row != 0:
		return rl.pos + 1, !m.keeps(IdleOutsideTransaction)
	case !m.keeps(IdleInStreamOrder):
		return srv.n, true
	}
	return rl.pos, rl.pos == srv.n
}

// mayBeIdle: with an empty pipeline only, and not inside a transaction that is published in pieces.
func (m *machine) mayBeIdle(rl *relay) bool {
	switch {
	case !m.keeps(IdleMovesOn), rl.tx.step != noStep:
		return false
	case rl.fill.events != 0:
		return !m.keeps(IdleOnlyWhenEmpty)
	case rl.row != 0:
		return !m.keeps(IdleOutsideTransaction)
	}
	return rl.fill.ck.partial == 0
}

// beginIdle starts a Kafka transaction with the checkpoint alone. Everything but its place is carried over.
func (m *machine) beginIdle(s *state, r, end uint8) {
	rl := &s.relays[r]
	c := rl.durable
	c.resume, c.ends = end, rl.ends
	c.partial, c.rows, c.partialLSN = 0, 0, 0
	if !m.keeps(IdleCarriesOver) {
		c.witness, c.witnessLSN = 0, end
	}
	srv := &s.servers[rl.server]
	c.timeline, c.branch = srv.timeline, srv.branch
	rl.tx = tx{step: adding, kind: idleTx, todo: 1 << checkpoints, batch: batch{ck: c}}
	if rl.fill.events == 0 && rl.row == 0 {
		rl.fill.ck = c
	}
}

// acknowledge tells Postgres what is durable in Kafka.
func (m *machine) acknowledge(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	lsn := rl.durable.resume
	if !m.keeps(AcknowledgeAfterCommit) && rl.tx.step == ending {
		lsn = rl.tx.ck.resume
	}
	if !m.keeps(AcknowledgeCheckpoint) {
		lsn = rl.pos
	}
	if lsn <= srv.slot.confirmed || !m.settled(rl) {
		return
	}
	if lsn > rl.pos && m.keeps(AcknowledgeReceived) {
		return
	}
	n := *s
	n.servers[rl.server].acknowledge(r, lsn)
	emit(did(r, acknowledgeDeed, "", num(lsn)), false, &n)
}

// watch compares the publication with the checkpoint while streaming.
func (m *machine) watch(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if s.servers[rl.server].publication == rl.durable.publication || !m.keeps(WatchPublication) {
		return
	}
	n := *s
	m.refuse(&n, r, publicationDiffers)
	emit(note(r, "watcher: the publication is not what it was; refuses", ""), false, &n)
}
