package model

// rest looks at a state that only a fault can leave. Everything that was committed must then be published once and
// acknowledged, unless the relays refuse, for which refuse has found a cause.
func (m *machine) rest(s *state) property {
	atWork, anyRefused := false, false
	for r := range m.relays {
		rl := &s.relays[r]
		anyRefused = anyRefused || rl.phase == refused
		if rl.phase == streaming && rl.server == s.survivor && rl.connected {
			atWork = true
			if !m.isDrained(s, rl) {
				return drained
			}
		}
	}
	if !atWork && !anyRefused && m.watched(s) {
		return drained
	}
	return nothing
}

// watched tells whether any relay would go to the server in charge.
func (m *machine) watched(s *state) bool {
	for r := range m.relays {
		if m.serverOf(s, r) == s.survivor && s.relays[r].phase != streaming {
			return true
		}
	}
	return false
}

// isDrained tells whether everything up to the end of the log is public, and nothing else is; up to the transaction
// that the relay halts before, if there is one.
func (m *machine) isDrained(s *state, rl *relay) bool {
	srv := &s.servers[s.survivor]
	var want events
	for at := s.base; at < srv.n; at++ {
		tx := uint8(srv.wal[at])
		if rl.bad != 0 && tx == rl.bad {
			return s.kafka.visible() == want
		}
		if srv.wal[at] < otherWAL {
			want |= m.events(tx)
		}
	}
	return s.kafka.visible()|s.lost == want && srv.slot.confirmed == srv.n
}
