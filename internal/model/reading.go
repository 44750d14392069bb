package model

// look reads the newest committed checkpoint without fence and barrier.
func (m *machine) look(s *state) checkpoint {
	return s.kafka.log.at(s.kafka.log.lastCommitted(int(s.kafka.log.n)))
}

// read reads the last checkpoint before our own barrier. The reader's view of the log may end earlier than the log: a
// new leader's high watermark is behind at first, or a foreign transaction is open. A barrier shows it.
func (m *machine) read(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.tx.step != noStep {
		return
	}
	n := *s
	if !m.keeps(OwnBeforeFence) && !rl.connected {
		if m.take(&n, r) {
			emit(did(r, ownDeed, "takes the slot after the fence", ""), false, &n)
		}
		return
	}
	if !m.keeps(BarrierBeforeRead) {
		m.readToTheEnd(s, r, emit)
		return
	}
	switch end := s.kafka.log.barrierOf(r); {
	case end < 0:
		n.endSession(r)
		emit(note(r, "does not find its barrier; new session", ""), false, &n)
	case s.kafka.log.entries[end].status == committedEntry:
		m.believe(&n, r, end)
		emit(did(r, readDeed, "believes the checkpoint at", num(n.relays[r].durable.resume)), false, &n)
	}
}

// readToTheEnd is what a relay without a barrier does: it believes what the broker calls the end.
func (m *machine) readToTheEnd(s *state, r uint8, emit emit) {
	l := &s.kafka.log
	n := *s
	m.believe(&n, r, int(l.n))
	emit(did(r, readDeed, "believes the checkpoint at", num(n.relays[r].durable.resume)), false, &n)
	if s.left[staleView] > 0 {
		n = *s
		n.left[staleView]--
		m.believe(&n, r, l.lastCommitted(int(l.n)))
		emit(did(r, readDeed, "believes a stale view", num(n.relays[r].durable.resume)), true, &n)
	}
}

// believe takes the last checkpoint before the index end of the log for ours. Brokers hand out aborted records too.
func (m *machine) believe(s *state, r uint8, end int) {
	last := s.kafka.log.lastCommitted(end)
	if !m.keeps(CommittedOnly) {
		last = s.kafka.log.lastWritten(end)
	}
	if end < int(s.kafka.log.n) {
		s.relays[r].above = s.kafka.log.entries[end].above
	}
	s.orphanBarrier(r)
	s.relays[r].durable = s.kafka.log.at(last)
	s.relays[r].phase = guarding
}
