package model

// checkpointLog is the log of the checkpoint partition. What no reader can find any more is taken out of it.
type checkpointLog struct {
	n       uint8
	entries [maxLog]logEntry
}

const maxLog = 8

type logEntry struct {
	kind   entryKind
	status entryStatus
	relay  uint8 // of a barrier: the relay whose present session waits for it, + 1; 0 when that session is over
	above  uint8 // of a barrier: the highest timeline of those before it, behind the last checkpoint
	ck     checkpoint
}

type entryKind uint8

const (
	noEntry entryKind = iota
	aBarrier
	aCheckpoint
)

type entryStatus uint8

const (
	pendingEntry entryStatus = iota
	committedEntry
	abortedEntry
)

func (l *checkpointLog) append(e logEntry) {
	l.entries[l.n] = e
	l.n++
}

// resolve ends the open transaction of the checkpoint partition.
func (k *kafka) resolve(commit bool) {
	for i := range k.log.n {
		e := &k.log.entries[i]
		switch {
		case e.status != pendingEntry:
			continue
		case !commit:
			e.status = abortedEntry
			continue
		}
		e.status = committedEntry
		if e.kind == aCheckpoint {
			k.highest = 0
			continue
		}
		e.above = k.highest
		k.newest, k.highest = e.ck.timeline, max(k.highest, e.ck.timeline)
	}
}

// barrierOf is the index of the barrier of a relay's present session, or -1.
func (l *checkpointLog) barrierOf(r uint8) int {
	for i := range l.n {
		if e := &l.entries[i]; e.kind == aBarrier && e.relay == r+1 && e.status != abortedEntry {
			return int(i)
		}
	}
	return -1
}

// lastCommitted is the index of the last committed checkpoint before the index end, or -1.
func (l *checkpointLog) lastCommitted(end int) int {
	for i := end - 1; i >= 0; i-- {
		if e := &l.entries[i]; e.kind == aCheckpoint && e.status == committedEntry {
			return i
		}
	}
	return -1
}

// lastWritten is the same for a reader that does not tell aborted records from committed ones.
func (l *checkpointLog) lastWritten(end int) int {
	for i := end - 1; i >= 0; i-- {
		if l.entries[i].kind == aCheckpoint {
			return i
		}
	}
	return -1
}

// at is the checkpoint at an index, or none.
func (l *checkpointLog) at(i int) checkpoint {
	if i < 0 {
		return checkpoint{}
	}
	return l.entries[i].ck
}

// orphan says that nobody waits for the relay's barrier any more.
func (l *checkpointLog) orphan(r uint8) {
	for i := range l.n {
		if l.entries[i].relay == r+1 {
			l.entries[i].relay = 0
		}
	}
}

// dropLast takes the last committed checkpoint away, with all behind it.
func (l *checkpointLog) dropLast() {
	last := l.lastCommitted(int(l.n))
	for i := max(last, 0); i < int(l.n); i++ {
		l.entries[i] = logEntry{}
	}
	l.n = uint8(max(last, 0))
}

// compact takes out what no reader of the protocol, or of one of its mutations, can find any more: finished barriers
// that nobody waits for; and in each stretch that ends with a barrier or with the log all checkpoints but the last
// aborted one and the last keep committed ones.
func (l *checkpointLog) compact(keep int) {
	var kept checkpointLog
	committed, aborted := 0, false
	for i := int(l.n) - 1; i >= 0; i-- {
		e := l.entries[i]
		switch {
		case e.status == pendingEntry:
		case e.kind == aBarrier && e.relay == 0:
			continue
		case e.kind == aBarrier:
			committed, aborted = 0, false
		case e.status == abortedEntry:
			if aborted || committed > 0 {
				continue
			}
			aborted = true
		default:
			if committed == keep {
				continue
			}
			committed++
		}
		kept.append(e)
	}
	for i := range kept.n / 2 {
		kept.entries[i], kept.entries[kept.n-1-i] = kept.entries[kept.n-1-i], kept.entries[i]
	}
	*l = kept
}
