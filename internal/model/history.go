package model

// branch is a branch of history. Each promotion and each restored disk begins one. Timelines are what Postgres knows of
// it, and not the whole truth: a restored disk keeps its timeline, and two standbys promoted apart choose the same one.
type branch struct {
	parent, fork uint8
}

// branchOff begins a branch at the end of the server's log.
func (s *state) branchOff(srv *server) {
	s.nBranch++
	s.branches[s.nBranch] = branch{parent: srv.branch, fork: srv.n}
	srv.branch = s.nBranch
}

// common is the LSN up to which two branches have the same history.
func (s *state) common(a, b uint8) uint8 {
	shared := uint8(maxWAL)
	for a != b {
		if a < b {
			a, b = b, a
		}
		shared = min(shared, s.branches[a].fork)
		a = s.branches[a].parent
	}
	return shared
}

// livedThrough is the truth that timelines and witness are there to find out: whether the server has all that the
// checkpoint covers.
func (s *state) livedThrough(srv *server, c *checkpoint) bool {
	return c.undecided() <= min(s.common(srv.branch, c.branch), srv.n)
}

// promote makes a standby the primary that has all but the last lost entries of the log.
func (s *state) promote(srv *server, lost uint8, keepSlot bool) {
	srv.n -= lost
	clear(srv.wal[srv.n:])
	srv.forks[srv.timeline] = srv.n
	srv.timeline++
	s.branchOff(srv)
	srv.slot.owner, srv.lock = 0, 0
	srv.slot.confirmed = min(srv.slot.confirmed, srv.n)
	srv.slot.saved = min(srv.slot.saved, srv.n)
	if !keepSlot {
		srv.slot = slot{}
	}
}

// restore starts a server on the cold copy of its disk. Nothing in it tells that it is one.
func (s *state) restore() {
	srv := s.copied
	s.branchOff(&srv)
	srv.slot.owner, srv.lock = 0, 0
	s.servers[s.survivor] = srv
	s.copied = server{}
}
