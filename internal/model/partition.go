package model

// kafka is the coordinator and the logs.
type kafka struct {
	coordinator coordinator
	parts       [numPartitions]partition
	log         checkpointLog
	// verifies says that leaders ask the coordinator before they take a batch, as they do from 3.7 on.
	verifies bool
	topic    uint8 // generation of the checkpoint topic
	trimmed  bool  // the checkpoint log does not begin at offset 0 any more
	// newest is the timeline of the newest committed barrier, highest the highest one behind the last checkpoint.
	newest, highest uint8
}

// partition is a partition leader's log, as far as it matters: the events in it, not their offsets. The broker knows a
// batch that comes twice by its sequence, so doubled produce requests are left out.
type partition struct {
	epoch     uint8 // highest epoch seen in batches and markers
	open      bool  // there is an open transaction
	openEpoch uint8
	pending   events // of the open transaction
	committed events
}

// payload is what one produce request carries.
type payload struct {
	events  events
	entry   logEntry // for the checkpoint partition
	epoch   uint8
	toWhere uint8
}

// produce appends a batch.
func (k *kafka) produce(b *payload) answer {
	p := &k.parts[b.toWhere]
	if b.epoch < p.epoch {
		return denied
	}
	known := p.open && p.openEpoch == b.epoch
	if k.verifies && !known && !k.coordinator.verify(b.epoch, b.toWhere) {
		return denied
	}
	p.epoch, p.open, p.openEpoch = b.epoch, true, b.epoch
	p.pending |= b.events
	if b.entry.kind != noEntry {
		k.log.append(b.entry)
	}
	return granted
}

// mark writes a transaction marker and tells which property that breaks, if any. A marker with an old epoch is refused;
// one that finds nothing open only raises the epoch.
func (k *kafka) mark(at, epoch uint8, commit bool) property {
	p := &k.parts[at]
	if epoch < p.epoch {
		return nothing
	}
	p.epoch = epoch
	if !p.open {
		return nothing
	}
	var bad property
	if commit {
		bad = p.publish()
	}
	p.open, p.openEpoch, p.pending = false, 0, 0
	if at == checkpoints {
		k.resolve(commit)
	}
	return bad
}

// publish makes the pending events visible to read_committed readers.
func (p *partition) publish() property {
	switch {
	case p.pending&p.committed != 0:
		return atMostOnce
	case p.pending != 0 && p.pending.firstTx() < p.committed.lastTx():
		return inOrder
	}
	p.committed |= p.pending
	return nothing
}

// end is where the log of a partition with events ends, and what an acknowledgement says after a batch.
func (p *partition) end() uint8 { return (p.committed | p.pending).count() }

// visible are the events that read_committed readers see.
func (k *kafka) visible() events {
	return k.parts[firstEvents].committed | k.parts[secondEvents].committed
}

// writeMarker writes the marker of one partition; the last one completes the transaction.
func (k *kafka) writeMarker(at uint8) property {
	c := &k.coordinator
	bad := k.mark(at, c.epoch, c.committed)
	c.unmarked &^= 1 << at
	if c.unmarked == 0 {
		c.state = noTx
	}
	return bad
}

// markerSteps writes markers one by one. With a fault one of them comes a second time, later.
func (m *machine) markerSteps(s *state, emit emit) {
	for at := range numPartitions {
		if s.kafka.coordinator.unmarked&(1<<at) == 0 {
			continue
		}
		n := *s
		n.broken = n.kafka.writeMarker(at)
		emit(note(world, "marker written on", partitionName(at)), false, &n)
		c := &s.kafka.coordinator
		if s.left[doubledMarker] > 0 && n.send(message{kind: marker, epoch: c.epoch, at: at, commit: c.committed}) {
			n.left[doubledMarker]--
			emit(note(world, "marker written, and once more on its way to", partitionName(at)), true, &n)
		}
	}
}
