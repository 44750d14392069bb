package model

// fillBatch puts the transaction at pos, or the next piece of it, into the batch that is being filled. False: it has to
// wait, or the relay halts before it.
func (m *machine) fillBatch(s *state, r, tx uint8) bool {
	rl := &s.relays[r]
	rows := m.rows[tx]
	switch {
	case tx == rl.bad && m.keeps(HaltBeforeTransaction):
		return false
	case tx == rl.bad:
		return m.fillBeforeBad(rl, tx)
	case rl.fill.ck.partial != 0 && rl.row == 0:
		rl.row = rl.fill.ck.rows
		if !m.keeps(PartialSkipsRows) {
			rl.row = 0
			rl.fill.ck.partial, rl.fill.ck.rows, rl.fill.ck.partialLSN = 0, 0, 0
		}
		return true
	case rows > maxRows || m.large[tx]:
		return m.fillPiece(s, r, tx)
	case rl.fill.events.count()+rows > maxRows:
		return false
	}
	for row := range rows {
		rl.fill.events |= event(tx, row)
	}
	rl.fill.ck.total += rows
	m.decide(s, r, tx)
	return true
}

// maxRows is the batch limit; a transaction that alone is called large goes in pieces of one row.
const maxRows = 2

// fillPiece takes one row of a large transaction. It goes alone, with a checkpoint that says how far it went.
func (m *machine) fillPiece(s *state, r, tx uint8) bool {
	rl := &s.relays[r]
	if rl.fill.events != 0 {
		return false
	}
	rl.fill.events = event(tx, rl.row)
	rl.fill.ck.total++
	rl.row++
	if rl.row == m.rows[tx] {
		rl.row = 0
		m.decide(s, r, tx)
		return true
	}
	if m.keeps(WholeOrPartial) {
		rl.fill.ck.partial, rl.fill.ck.rows, rl.fill.ck.partialLSN = tx, rl.row, rl.pos
		m.stamp(s, r)
	}
	return true
}

// fillBeforeBad is what a relay does that halts before the event instead of before the transaction.
func (m *machine) fillBeforeBad(rl *relay, tx uint8) bool {
	if rl.row > 0 || rl.fill.events != 0 {
		return false
	}
	rl.fill.events = event(tx, 0)
	rl.fill.ck.total++
	rl.row = 1
	return true
}

// decide moves the checkpoint behind the transaction at pos.
func (m *machine) decide(s *state, r, tx uint8) {
	rl := &s.relays[r]
	c := &rl.fill.ck
	c.witness, c.witnessLSN = tx, rl.pos
	c.partial, c.rows, c.partialLSN = 0, 0, 0
	rl.pos++
	c.resume = rl.pos
	if !m.keeps(ResumeIsEnd) {
		c.resume = rl.pos - 1
	}
	m.stamp(s, r)
}

// stamp notes whose history the checkpoint belongs to.
func (m *machine) stamp(s *state, r uint8) {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	rl.fill.ck.timeline, rl.fill.ck.branch = srv.timeline, srv.branch
}

// begin starts a Kafka transaction with the batch.
func (m *machine) begin(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.tx.step != noStep || rl.fill.events == 0 {
		return
	}
	n := *s
	nr := &n.relays[r]
	nr.tx = tx{step: adding, kind: eventsTx, todo: partitionsOf(rl.fill.events) | 1<<checkpoints, batch: rl.fill}
	if !m.keeps(OneTransaction) {
		nr.tx.todo &^= 1 << checkpoints
	}
	nr.tx.ck.ends = rl.ends
	nr.fill.events = 0
	emit(note(r, "begins a Kafka transaction", ""), false, &n)
}
