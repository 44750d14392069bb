package model

// Scenario is a small world: what the database commits, and how often each fault may happen. All interleavings of it
// are walked.
type Scenario struct {
	Name  string
	About string
	// WAL is what is committed, one letter an entry: a transaction of one row, w of two rows, l of two rows that goes in
	// pieces, x of two rows of which no broker takes the second, r a transaction that was rolled back and left a message
	// behind, and a dot anything without outbox rows.
	WAL string
	// Before is how many entries are committed at the start; the others follow at any time.
	Before int
	Relays int
	// Init begins without slot and checkpoint: each relay runs `relay init` first.
	Init   bool
	Faults map[Fault]int
	// Deep is what the long run allows in addition.
	Deep map[Fault]int
}

// newMachine prepares a scenario.
func newMachine(sc *Scenario, deep bool, removed RuleSet) *machine {
	m := &machine{removed: removed, relays: uint8(sc.Relays), keep: 1, init: sc.Init}
	m.parse(sc.WAL)
	s := &m.first
	s.kafka.verifies = m.keeps(PartitionsVerified)
	s.kafka.coordinator.epoch = 1
	srv := &s.servers[0]
	srv.up, srv.timeline = true, 1
	for f, n := range sc.Faults {
		s.left[f] += uint8(n)
	}
	if deep {
		for f, n := range sc.Deep {
			s.left[f] += uint8(n)
		}
	}
	if s.left[staleView]+s.left[topicMirrored]+s.left[checkpointLost] > 0 {
		m.keep = 2
	}
	if sc.Init {
		s.base = maxWAL
		for r := range m.relays {
			s.relays[r].init = true
		}
	} else {
		srv.createSlot()
		s.kafka.log.append(logEntry{kind: aCheckpoint, status: committedEntry, ck: m.firstCheckpoint(s, 0)})
	}
	for range sc.Before {
		m.commit(s, 0)
	}
	m.normalise(s)
	return m
}

// parse reads the letters of a WAL. Transactions are numbered from 1.
func (m *machine) parse(wal string) {
	tx := uint8(0)
	for _, letter := range wal {
		if letter == '.' {
			m.script = append(m.script, otherWAL)
			continue
		}
		tx++
		e := entry(tx)
		m.rows[tx] = 1
		switch letter {
		case 'w':
			m.rows[tx] = 2
		case 'l':
			m.rows[tx], m.large[tx] = 2, true
		case 'x':
			m.rows[tx] = 2
			m.bad |= event(tx, 1)
		case 'r':
			e |= rolledBack
		}
		m.script = append(m.script, e)
	}
}
