package model

// entry of the write-ahead log. 1 to 7 is the commit of that transaction; with rolledBack it is a message, not
// transactional, that this transaction left behind although it was rolled back.
type entry uint8

const (
	otherWAL   entry = 8 // anything without outbox rows
	rolledBack entry = 16
)

// server is a Postgres server: its write-ahead log as a list of commits, its history and the slot.
type server struct {
	up       bool
	wal      [maxWAL]entry
	n        uint8 // length of wal: the flushed end
	timeline uint8
	forks    [maxTimelines]uint8 // switch point at which each older timeline was left
	branch   uint8
	// publication counts the changes of the catalogue; out says that the outbox table is not in it now.
	publication uint8
	out         bool
	slot        slot
	lock        uint8 // relay number + 1 that runs init
}

// slot is a logical replication slot. Its walsender sends what commits at or after confirmed.
type slot struct {
	exists    bool
	confirmed uint8
	saved     uint8 // what a crash of the server goes back to
	owner     uint8 // relay number + 1, 0 when no walsender works on it
}

// commit appends the next entry of the script to a server's log.
func (m *machine) commit(s *state, on uint8) {
	srv := &s.servers[on]
	e := m.script[s.script]
	s.script++
	srv.wal[srv.n] = e
	srv.n++
	if srv.out && e < otherWAL {
		s.hidden |= 1 << e
	}
}

// serverSteps are what Postgres and the application do by themselves.
func (m *machine) serverSteps(s *state, emit emit) {
	if int(s.script) == len(m.script) {
		return
	}
	n := *s
	m.commit(&n, s.survivor)
	emit(note(world, "application commits", m.script[s.script].String()), false, &n)
	if s.left[strayCommit] > 0 && s.survivor != 0 && s.servers[0].up {
		n = *s
		n.left[strayCommit]--
		m.commit(&n, 0)
		emit(note(world, "stray commit on the old primary", m.script[s.script].String()), true, &n)
	}
}

func (e entry) String() string {
	switch {
	case e == otherWAL:
		return "nothing of ours"
	case e&rolledBack != 0:
		return "nothing, but leaves a message"
	}
	return num(uint8(e))
}

// acknowledge is a status update with a flush position. A walsender that is gone takes none.
func (srv *server) acknowledge(r, lsn uint8) {
	if srv.slot.owner == r+1 && srv.slot.confirmed < lsn {
		srv.slot.confirmed = lsn
	}
}

// onHistory tells whether the server has lived through everything below lsn of the given timeline.
func (srv *server) onHistory(timeline, lsn uint8) bool {
	switch {
	case timeline == srv.timeline:
		return true
	case timeline > srv.timeline:
		return false
	}
	return srv.forks[timeline] >= lsn
}
