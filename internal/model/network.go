package model

// message is a request that its sender has given up, or a second copy of one: it is executed later, or never. Requests
// that are answered in time are executed where they are sent. A lost answer is a late request that is executed at once.
type message struct {
	kind   request
	epoch  uint8
	at     uint8 // partition of a produce request or a marker
	commit bool  // of a marker or an end
	parts  partitions
	batch  payload
}

type request uint8

const (
	noRequest request = iota
	fenceRequest
	bumpRequest
	addRequest
	produceRequest
	endRequest
	marker
)

func (r request) String() string {
	return [...]string{"nothing", "fence", "bump", "add", "produce", "end", "marker"}[r]
}

// deed is what the sender did.
func (r request) deed() deed {
	return [...]deed{noDeed, initDeed, bumpDeed, addDeed, produceDeed, endDeed, noDeed}[r]
}

// send puts a message on its way, if there is room.
func (s *state) send(msg message) bool {
	for i := range s.net {
		if s.net[i].kind == noRequest {
			s.net[i] = msg
			return true
		}
	}
	return false
}

// networkSteps execute or lose each message.
func (m *machine) networkSteps(s *state, emit emit) {
	for i := range s.net {
		msg := s.net[i]
		if msg.kind == noRequest {
			continue
		}
		n := *s
		n.net[i] = message{}
		emit(note(world, "request is lost:", msg.kind.String()), false, &n)
		m.execute(&n, &msg)
		emit(note(world, "late request arrives:", msg.kind.String()), false, &n)
	}
}

// execute is what a broker does with a request; nobody hears the answer.
func (m *machine) execute(s *state, msg *message) {
	k := &s.kafka
	switch msg.kind {
	case fenceRequest:
		k.coordinator.fence()
	case bumpRequest:
		k.coordinator.bump(msg.epoch)
	case addRequest:
		k.coordinator.add(msg.epoch, msg.parts)
	case produceRequest:
		k.produce(&msg.batch)
	case endRequest:
		m.endTx(s, msg.epoch, msg.commit)
	case marker:
		s.broken = k.mark(msg.at, msg.epoch, msg.commit)
	}
}

// before orders messages, so that two states with the same ones are equal.
func (a *message) before(b *message) bool {
	for _, c := range [...][2]uint8{{uint8(b.kind), uint8(a.kind)}, {a.epoch, b.epoch}, {a.at, b.at}, {a.batch.toWhere, b.batch.toWhere}} {
		if c[0] != c[1] {
			return c[0] < c[1]
		}
	}
	return a.batch.events < b.batch.events
}

// sortNet brings the messages into one order, the empty places last.
func (s *state) sortNet() {
	for i := 1; i < len(s.net); i++ {
		for j := i; j > 0 && s.net[j].before(&s.net[j-1]); j-- {
			s.net[j], s.net[j-1] = s.net[j-1], s.net[j]
		}
	}
}
