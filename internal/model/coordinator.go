package model

// Partitions: the one with barrier and checkpoint, and two with events.
const (
	checkpoints uint8 = iota
	firstEvents
	secondEvents
	numPartitions
)

func partitionName(p uint8) string {
	return [...]string{"checkpoints", "first events", "second events"}[p]
}

// partitions is a set of them.
type partitions uint8

func partitionsOf(e events) partitions {
	var p partitions
	if e.on(firstEvents) != 0 {
		p |= 1 << firstEvents
	}
	if e.on(secondEvents) != 0 {
		p |= 1 << secondEvents
	}
	return p
}

// coordinator of the one transactional id. The producer id never changes here, only its epoch.
type coordinator struct {
	epoch uint8
	// last is the epoch before a bump that named it; asking once more with it gives the present one. 0 after a fence.
	last      uint8
	state     txState
	added     partitions
	unmarked  partitions // partitions whose marker has yet to be written
	committed bool       // the last transaction of this epoch was committed
}

type txState uint8

const (
	noTx     txState = iota
	openTx           // Ongoing
	prepared         // PrepareCommit or PrepareAbort: decided, markers are being written
)

// answer of a broker.
type answer uint8

const (
	granted answer = iota
	notYet         // CONCURRENT_TRANSACTIONS: nothing has changed, ask again
	denied         // fenced, or not possible in this state: never what the caller wants
)

// fence is InitProducerID(-1, -1). Over an open transaction it only aborts it and has to be asked again.
func (c *coordinator) fence() answer {
	switch c.state {
	case prepared:
		return notYet
	case openTx:
		c.abort()
		return notYet
	}
	c.epoch++
	c.last, c.committed = 0, false
	return granted
}

// abort decides the open transaction against its owner, under a higher epoch: what is late of it is refused everywhere.
func (c *coordinator) abort() {
	c.epoch++
	c.last, c.committed = 0, false
	c.prepare()
}

func (c *coordinator) prepare() {
	c.state = prepared
	c.unmarked, c.added = c.added, 0
}

// bump is InitProducerID(pid, epoch): the caller's own epoch grows by one.
func (c *coordinator) bump(epoch uint8) answer {
	switch {
	case epoch == c.last && c.last != 0 && c.state == noTx:
		return granted
	case epoch != c.epoch:
		return denied
	case c.state == prepared:
		return notYet
	case c.state == openTx:
		c.abort()
		return notYet
	}
	c.last = c.epoch
	c.epoch++
	c.committed = false
	return granted
}

// add is AddPartitionsToTxn.
func (c *coordinator) add(epoch uint8, p partitions) answer {
	switch {
	case epoch != c.epoch:
		return denied
	case c.state == prepared:
		return notYet
	}
	c.state = openTx
	c.added |= p
	return granted
}

// end is EndTxn.
func (c *coordinator) end(epoch uint8, commit bool) answer {
	switch {
	case epoch != c.epoch:
		return denied
	case c.state == prepared:
		return notYet
	case c.state == noTx:
		if commit && c.committed {
			return granted
		}
		return denied
	}
	c.committed = commit
	c.prepare()
	return granted
}

// verify is what a partition leader asks before it takes the first batch of a transaction.
func (c *coordinator) verify(epoch, p uint8) bool {
	return c.epoch == epoch && c.state == openTx && c.added&(1<<p) != 0
}
