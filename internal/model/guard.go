package model

// verdict is why a relay refuses.
type verdict uint8

const (
	accepted verdict = iota
	splitBrain
	slotMissing
	slotAhead
	historyLost
	witnessDiffers
	foreignIdentity
	publicationDiffers
	kafkaLost
	checkpointMissing
)

func (v verdict) String() string {
	return [...]string{
		"accepted", "split brain", "slot missing", "slot ahead", "history lost", "witness differs", "foreign identity",
		"publication differs", "Kafka lost data", "checkpoint missing",
	}[v]
}

// guard asks Kafka about its logs first, then for confirmed_flush and the owner of the slot in one row, and judges. In
// the other order another relay may take over in between, and its events look like those of a stranger.
func (m *machine) guard(s *state, r uint8, emit emit) {
	if s.relays[r].tx.step != noStep {
		return // init is writing its record
	}
	n := *s
	asksLogs := s.relays[r].phase == guarding
	if !m.keeps(OwnerLast) {
		asksLogs = !asksLogs
	}
	if !asksLogs && !m.askSlot(&n, r) {
		n.endSession(r)
		emit(note(r, "finds that the slot is not its own any more; new session", ""), false, &n)
		return
	}
	if asksLogs {
		n.relays[r].logsWrong = m.logsWrong(&n, &n.relays[r].durable)
		if s.lost != 0 && !n.relays[r].logsWrong {
			n.broken = nothingLost
		}
	}
	if s.relays[r].phase == guarding {
		n.relays[r].phase = judging
		emit(note(r, "asks what the guard wants to know", ""), false, &n)
		return
	}
	m.conclude(&n, r, emit)
}

// askSlot reads confirmed_flush together with the owner of the slot. False: it is not ours, so no verdict is possible.
func (m *machine) askSlot(s *state, r uint8) bool {
	rl := &s.relays[r]
	if !rl.connected {
		return true // init, before there is a slot
	}
	if !s.owns(r) && m.keeps(OwnerInSameRow) {
		return false
	}
	rl.confirmed = s.servers[rl.server].slot.confirmed
	return true
}

// conclude gives the verdict.
func (m *machine) conclude(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.durable.phase == noCheckpoint && !m.keeps(NeverFromNothing) && rl.connected {
		rl.durable = m.firstCheckpoint(s, r)
	}
	if rl.init {
		m.guardInit(s, r, emit)
		return
	}
	if why := m.judge(s, r); why != accepted {
		m.refuse(s, r, why)
		emit(told(r, guardDeed, answerRefused, "refuses:", why.String()), false, s)
		return
	}
	m.pass(s, r)
	emit(did(r, guardDeed, "passes, skips up to", num(rl.durable.resume)), false, s)
}

// pass begins the work on the stream.
func (m *machine) pass(s *state, r uint8) {
	rl := &s.relays[r]
	rl.phase = streaming
	rl.fill.ck = rl.durable
	rl.ends = rl.durable.ends
	rl.blind = s.hidden != 0
	if !m.keeps(StartAtZero) {
		rl.pos = rl.durable.resume
	}
}

// judge is the guard: what was found, and the verdict on it.
func (m *machine) judge(s *state, r uint8) verdict {
	rl := &s.relays[r]
	srv, c := &s.servers[rl.server], &rl.durable
	undecided := c.resume
	if m.keeps(PartialOnHistory) {
		undecided = c.undecided()
	}
	switch {
	case c.phase != streamed:
		return checkpointMissing
	case rl.above > rl.timeline && m.keeps(LookAgain):
		return splitBrain
	case m.keeps(SameIdentity) && c.topic != s.kafka.topic:
		return foreignIdentity
	case !srv.slot.exists:
		return slotMissing
	case m.keeps(OnHistory) && !srv.onHistory(c.timeline, undecided):
		return historyLost
	case m.keeps(WithinWAL) && undecided > srv.n:
		return historyLost
	case m.keeps(RefuseSlotAhead) && rl.confirmed > c.resume:
		return slotAhead
	case m.keeps(SamePublication) && c.publication != srv.publication:
		return publicationDiffers
	}
	if rl.logsWrong {
		return kafkaLost
	}
	return accepted
}

// logsWrong compares the logs of the events with what the checkpoint says of them.
func (m *machine) logsWrong(s *state, c *checkpoint) bool {
	if m.keeps(TailIsKnown) && s.kafka.visible().count() > c.total {
		return true
	}
	for i, end := range c.ends {
		if m.keeps(EndsAreThere) && s.kafka.parts[firstEvents+uint8(i)].end() < end {
			return true
		}
	}
	return false
}

// justified is the property's view: whether something has happened that makes this verdict right.
func (m *machine) justified(s *state, r uint8, why verdict) bool {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	switch why {
	case splitBrain:
		return rl.server != s.survivor || s.causes.has(diskRestored)
	case slotMissing:
		return !srv.slot.exists
	case slotAhead:
		return s.causes.has(slotTampered | kafkaTampered)
	case historyLost, witnessDiffers:
		if rl.durable.timeline > srv.timeline && s.causes.has(diskRestored) {
			return true
		}
		return !s.livedThrough(srv, &rl.durable) || rl.server != s.survivor
	case kafkaLost:
		// With a split brain each relay owns a slot, and may find the other's events: a stranger's, to it.
		return s.causes.has(kafkaTampered) || s.survivor != 0
	case publicationDiffers:
		return rl.durable.publication != srv.publication
	}
	return s.causes.has(kafkaTampered)
}
