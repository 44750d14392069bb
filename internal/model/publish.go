package model

// txSteps take a Kafka transaction one request further. Each request may stay without answer: that is doubt, and the
// request is then executed late, at once, or never.
func (m *machine) txSteps(s *state, r uint8, emit emit) {
	switch s.relays[r].tx.step {
	case adding:
		m.addPartitions(s, r, emit)
	case producing:
		m.produceAll(s, r, emit)
	case ending:
		m.end(s, r, emit)
	case bumping:
		m.bump(s, r, emit)
	}
}

// unanswered emits the fault that msg is sent and not answered; doubt says what the relay makes of that.
func (m *machine) unanswered(s *state, r uint8, msg message, doubt func(*state), emit emit) {
	n := *s
	if s.left[late] == 0 || !n.send(msg) {
		return
	}
	n.left[late]--
	doubt(&n)
	emit(told(r, msg.kind.deed(), answerNone, "gets no answer", ""), true, &n)
}

// doubled emits the fault that a second copy of msg stays on its way, beside the one that is answered.
func (m *machine) doubled(s *state, n state, msg message, l label, emit emit) {
	if s.left[doubledRequest] == 0 || !n.send(msg) {
		return
	}
	n.left[doubledRequest]--
	l.what += " (twice)"
	emit(l, true, &n)
}

func (m *machine) addPartitions(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	msg := message{kind: addRequest, epoch: rl.epoch, parts: rl.tx.todo}
	m.unanswered(s, r, msg, func(n *state) { n.endSession(r) }, emit)
	n := *s
	switch n.kafka.coordinator.add(rl.epoch, rl.tx.todo) {
	case notYet:
		return
	case denied:
		n.fenced(r)
		emit(told(r, addDeed, answerFenced, "fenced; new session", ""), false, &n)
		return
	}
	n.relays[r].tx.step = producing
	l := did(r, addDeed, "", "")
	emit(l, false, &n)
	m.doubled(s, n, msg, l, emit)
}

// produceAll sends to each partition, in any order.
func (m *machine) produceAll(s *state, r uint8, emit emit) {
	for at := range numPartitions {
		if s.relays[r].tx.todo&(1<<at) != 0 {
			m.produceTo(s, r, at, emit)
		}
	}
}

func (m *machine) produceTo(s *state, r, at uint8, emit emit) {
	rl := &s.relays[r]
	b := m.payloadFor(rl, r, at)
	m.unanswered(s, r, message{kind: produceRequest, batch: b}, func(n *state) { m.doubtProduce(n, r, at) }, emit)
	n := *s
	nr := &n.relays[r]
	if bad := b.events & m.bad; bad != 0 {
		tx := bad.firstTx()
		n.endSession(r)
		n.relays[r].bad = tx
		emit(told(r, produceDeed, answerBadEvent, "one event is refused, of transaction", num(tx)), false, &n)
		return
	}
	if n.kafka.produce(&b) == denied {
		n.fenced(r)
		emit(told(r, produceDeed, answerFenced, "fenced; new session:", partitionName(at)), false, &n)
		return
	}
	if b.events != 0 {
		before := s.kafka.parts[at].end()
		if before < rl.ends[at-firstEvents] && m.keeps(OffsetsGrow) {
			m.refuse(&n, r, kafkaLost)
			emit(told(r, produceDeed, answerOldOffset, "an offset that was there before; refuses:", partitionName(at)), false, &n)
			return
		}
		nr.ends[at-firstEvents] = n.kafka.parts[at].end()
	}
	m.produced(nr, at)
	emit(did(r, produceDeed, "to", partitionName(at)), false, &n)
}

// payloadFor is what goes to one partition.
func (m *machine) payloadFor(rl *relay, r, at uint8) payload {
	b := payload{events: rl.tx.events.on(at), epoch: rl.epoch, toWhere: at}
	switch {
	case at != checkpoints:
	case rl.tx.kind == barrierTx:
		b.entry = logEntry{kind: aBarrier, relay: r + 1, ck: checkpoint{timeline: rl.tx.ck.timeline}}
	default:
		b.entry = logEntry{kind: aCheckpoint, ck: rl.tx.ck}
	}
	return b
}

func (m *machine) produced(rl *relay, at uint8) {
	rl.tx.todo &^= 1 << at
	if rl.tx.todo == 0 {
		rl.tx.step = ending
	}
}

// doubtProduce: a new session, whose fence aborts. EndTxn(abort) would abort under the same epoch.
func (m *machine) doubtProduce(s *state, r, at uint8) {
	switch {
	case !m.keeps(ProducedBeforeEnd):
		m.produced(&s.relays[r], at)
		return
	case !m.keeps(NoAbort):
		s.kafka.coordinator.end(s.relays[r].epoch, false)
	}
	s.endSession(r)
}

// end is EndTxn(commit), sent once, when all produce requests are acknowledged.
func (m *machine) end(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	msg := message{kind: endRequest, epoch: rl.epoch, commit: true}
	m.unanswered(s, r, msg, func(n *state) { m.doubtEnd(n, r) }, emit)
	n := *s
	switch m.endTx(&n, rl.epoch, true) {
	case notYet:
		return
	case denied:
		n.fenced(r)
		emit(told(r, endDeed, answerFenced, "fenced; new session", ""), false, &n)
		return
	}
	m.committed(&n, r)
	l := did(r, endDeed, "", "")
	emit(l, false, &n)
	m.doubled(s, n, msg, l, emit)
}

// endTx executes EndTxn and, when it decides, looks at what it makes public.
func (m *machine) endTx(s *state, epoch uint8, commit bool) answer {
	was := s.kafka.coordinator.state
	a := s.kafka.coordinator.end(epoch, commit)
	if a == granted && was == openTx && commit {
		m.checkDecision(s)
	}
	return a
}

// doubtEnd: a new session. It finds out from the log whether the transaction was committed; nobody guesses.
func (m *machine) doubtEnd(s *state, r uint8) {
	rl := &s.relays[r]
	switch {
	case !m.keeps(DoubtIsNotCommitted):
		m.committed(s, r)
	case !m.keeps(DoubtIsNotAborted):
		rl.fill.events |= rl.tx.events
		rl.tx = tx{step: bumping}
	case !m.keeps(EndOnce):
		// asks again, under the same epoch
	default:
		s.endSession(r)
	}
}

// committed is what follows a commit in the relay.
func (m *machine) committed(s *state, r uint8) {
	rl := &s.relays[r]
	kind, ck, bump := rl.tx.kind, rl.tx.ck, bumping
	rl.tx = tx{step: bump}
	if !m.keeps(BumpPerTransaction) {
		rl.tx.step = noStep
	}
	if kind == barrierTx {
		return
	}
	if kind == eventsTx && !m.keeps(OneTransaction) {
		rl.tx = tx{step: bump, kind: laterCheckpointTx, batch: batch{ck: ck}}
		return
	}
	rl.durable = ck
	switch kind {
	case eventsTx:
		rl.seen = true
		if rl.blind {
			s.broken = nothingLost
		}
	case creatingTx:
		rl.phase = makingSlot
	case streamTx:
		rl.init = false
		s.unlock(r)
		m.pass(s, r)
	}
}

// bump is InitProducerID(pid, epoch): each transaction has an epoch of its own.
func (m *machine) bump(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	m.unanswered(s, r, message{kind: bumpRequest, epoch: rl.epoch}, func(n *state) { n.endSession(r) }, emit)
	n := *s
	nr := &n.relays[r]
	c := &n.kafka.coordinator
	var a answer
	if m.keeps(BumpOwnEpoch) {
		a = c.bump(rl.epoch)
	} else {
		a = c.fence()
	}
	switch {
	case a == notYet && *c == s.kafka.coordinator:
		return
	case a == notYet:
		emit(told(r, bumpDeed, answerBusy, "an open transaction is aborted, asks again", ""), false, &n)
		return
	case a == denied:
		n.fenced(r)
		emit(told(r, bumpDeed, answerFenced, "fenced; new session", ""), false, &n)
		return
	}
	nr.epoch = c.epoch
	nr.tx = tx{}
	if rl.tx.kind == laterCheckpointTx {
		nr.tx = tx{step: adding, kind: idleTx, todo: 1 << checkpoints, batch: rl.tx.batch}
	}
	emit(did(r, bumpDeed, "", ""), false, &n)
}
