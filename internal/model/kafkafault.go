package model

// kafkaFaults are what happens to Kafka's logs and to an open transaction.
func (m *machine) kafkaFaults(s *state, emit emit) {
	inflict(s, transactionTimeout, world, "the open transaction times out", func(n *state) bool {
		n.kafka.coordinator.abort()
		return s.kafka.coordinator.state == openTx
	}, emit)
	m.checkpointFaults(s, emit)
	m.eventFaults(s, emit)
}

// checkpointFaults damage the checkpoint partition, when no transaction is open on it.
func (m *machine) checkpointFaults(s *state, emit emit) {
	log := &s.kafka.log
	if s.kafka.parts[checkpoints].open || s.kafka.coordinator.state == prepared || log.lastCommitted(int(log.n)) < 0 {
		return
	}
	damage := func(f Fault, what string, do func(*kafka)) {
		inflict(s, f, world, what, func(n *state) bool {
			do(&n.kafka)
			n.causes |= kafkaTampered
			return true
		}, emit)
	}
	damage(topicEmptied, "the checkpoint topic is deleted and made again", func(k *kafka) {
		k.log = checkpointLog{}
		k.topic++
	})
	damage(logTrimmed, "the checkpoint log is deleted from its beginning", func(k *kafka) {
		k.log = checkpointLog{}
		k.trimmed = true
	})
	if last := log.lastCommitted(int(log.n)); log.lastCommitted(last) < 0 {
		return
	}
	damage(topicMirrored, "the checkpoint topic is replaced by an older copy", func(k *kafka) {
		k.log.dropLast()
		k.topic++
	})
	damage(checkpointLost, "the checkpoint log loses its tail", func(k *kafka) { k.log.dropLast() })
}

// eventFaults take the last event of a partition away, when a checkpoint has noted that it was there.
func (m *machine) eventFaults(s *state, emit emit) {
	known := m.look(s).ends
	for at := firstEvents; at <= secondEvents; at++ {
		p := &s.kafka.parts[at]
		if p.open || p.end() == 0 || p.end() > known[at-firstEvents] || s.kafka.coordinator.state == prepared {
			continue
		}
		inflict(s, eventsLost, world, "an event partition loses its last event", func(n *state) bool {
			gone := rowsOf(p.committed.lastTx()) & p.committed
			n.kafka.parts[at].committed &^= gone
			n.lost |= gone
			n.causes |= kafkaTampered
			return true
		}, emit)
	}
}
