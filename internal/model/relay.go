package model

// relay is one process. What is in here is in memory: it is gone with the session, except for what a process keeps.
type relay struct {
	phase phase
	// Of the process.
	init bool  // `relay init` runs before `relay run`
	bad  uint8 // transaction with an event that a broker has refused; 0 for none
	shot bool  // fenced in its last session
	// refusedFor is why it refused.
	refusedFor verdict

	// Of the session.
	server    uint8
	timeline  uint8 // of the server, when it was asked
	connected bool  // has started replication, and believes that it still does
	behind    bool  // a higher timeline had been there when the session began
	epoch     uint8
	pos       uint8 // LSN up to which the stream was worked off
	row       uint8 // rows of the transaction at pos that were taken already
	confirmed uint8 // confirmed_flush when the slot was taken
	seen      bool  // the witness was
	blind     bool  // rows were lost in silence before this session began
	logsWrong bool  // Kafka's logs are not what the checkpoint says
	above     uint8 // highest timeline of the barriers between the checkpoint and ours
	durable   checkpoint
	fill      batch // what the next Kafka transaction will have
	tx        tx
	ends      [2]uint8 // last known end of each partition with events
}

type phase uint8

const (
	starting phase = iota // look, ask, own
	fencing               // checks the slot
	asking                // asks for a new epoch
	reading
	guarding // asks Kafka about its logs
	judging  // asks about the slot, and judges
	streaming
	makingSlot // only init: the creating record is committed
	owningSlot // only init: the slot is made
	refused
)

// batch is a set of events with the checkpoint that covers them.
type batch struct {
	events events
	ck     checkpoint
}

// tx is a Kafka transaction under way, from its first request to the bump after it.
type tx struct {
	step step
	kind txKind
	todo partitions // not yet produced to
	batch
}

type step uint8

const (
	noStep step = iota
	adding
	producing
	ending
	bumping
)

type txKind uint8

const (
	noTxKind txKind = iota
	barrierTx
	eventsTx
	idleTx
	laterCheckpointTx // only a mutation: the checkpoint in a transaction of its own
	creatingTx
	streamTx
)

// endSession throws everything of the session away, whatever the doubt was, and closes the connections: that is the one
// way to recover.
func (s *state) endSession(r uint8) {
	rl := &s.relays[r]
	srv := &s.servers[rl.server]
	if srv.slot.owner == r+1 {
		srv.slot.owner = 0
	}
	s.unlock(r)
	s.orphanBarrier(r)
	*rl = relay{init: rl.init, bad: rl.bad}
}

// fenced ends a session that was told so. It may have been an expired transaction, or another relay.
func (s *state) fenced(r uint8) {
	s.endSession(r)
	s.relays[r].shot = true
}

func (s *state) unlock(r uint8) {
	if srv := &s.servers[s.relays[r].server]; srv.lock == r+1 {
		srv.lock = 0
	}
}

// orphanBarrier: nobody waits for the relay's barrier any more.
func (s *state) orphanBarrier(r uint8) {
	s.kafka.log.orphan(r)
	for i := range s.net {
		if e := &s.net[i].batch.entry; e.relay == r+1 {
			e.relay = 0
		}
	}
}

// crash is the end of the process. The next one starts at once, or much later: nobody waits for it.
func (m *machine) crash(s *state, r uint8) {
	s.endSession(r)
	s.relays[r] = relay{init: m.init}
}

// refuse ends a session with a verdict. Whether there is a cause for it the property decides.
func (m *machine) refuse(s *state, r uint8, why verdict) {
	if !m.justified(s, r, why) {
		s.broken = causedRefusal
	}
	s.endSession(r)
	s.relays[r].phase, s.relays[r].refusedFor = refused, why
}

// owns tells whether the relay's walsender has the slot.
func (s *state) owns(r uint8) bool {
	return s.servers[s.relays[r].server].slot.owner == r+1
}

func (m *machine) relaySteps(s *state, r uint8, emit emit) {
	rl := &s.relays[r]
	if rl.tx.step != noStep {
		m.txSteps(s, r, emit)
	}
	switch rl.phase {
	case starting:
		m.start(s, r, emit)
	case fencing:
		m.checkSlot(s, r, emit)
	case asking:
		m.askEpoch(s, r, emit)
	case reading:
		m.read(s, r, emit)
	case guarding, judging:
		m.guard(s, r, emit)
	case streaming:
		m.streamSteps(s, r, emit)
	case makingSlot:
		m.makeSlot(s, r, emit)
	case owningSlot:
		m.ownNewSlot(s, r, emit)
	}
}
