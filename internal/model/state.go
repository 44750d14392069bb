package model

// Everything here is small and without pointers, so that a state can be compared, hashed and copied as a value.
// LSNs are indexes into the write-ahead log: entry i begins at LSN i and ends at i+1, where the next one begins.

const (
	maxWAL       = 8
	maxTimelines = 4
	maxBranches  = 5
	maxMessages  = 3
	numServers   = 2
	numRelays    = 2
)

// state of the whole world.
type state struct {
	servers  [numServers]server
	survivor uint8  // index of the server that counts: the only one, or the promoted one
	copied   server // cold copy of a data directory
	branches [maxBranches]branch
	nBranch  uint8
	script   uint8 // next entry of the scenario's WAL
	base     uint8 // LSN from which on events have to be published; set when the slot is created
	hidden   uint8 // transactions committed while the outbox table was out of the publication; bit = transaction

	kafka  kafka
	relays [numRelays]relay
	net    [maxMessages]message
	left   [numFaults]uint8 // how often each fault may still happen
	causes causes           // what has happened that may justify a refusal
	lost   events           // events that Kafka itself has lost
	broken property
}

// events is a set of events. A transaction has a number from 1 to 7 and at most two rows; row 0 goes to the first event
// partition, row 1 to the second.
type events uint16

const (
	rowsOfFirst  events = 0x5555
	rowsOfSecond events = 0xAAAA
)

func event(tx, row uint8) events { return 1 << (2*tx + row) }

// rowsOf are both rows that a transaction may have.
func rowsOf(tx uint8) events { return event(tx, 0) | event(tx, 1) }

// on is the part of the set that goes to partition p.
func (e events) on(p uint8) events {
	switch p {
	case firstEvents:
		return e & rowsOfFirst
	case secondEvents:
		return e & rowsOfSecond
	}
	return 0
}

func (e events) count() uint8 {
	var n uint8
	for ; e != 0; e &= e - 1 {
		n++
	}
	return n
}

// first and last are the transactions of the first and the last event in the set, 0 when it is empty.
func (e events) firstTx() uint8 {
	for tx := uint8(1); tx < 8; tx++ {
		if e&rowsOf(tx) != 0 {
			return tx
		}
	}
	return 0
}

func (e events) lastTx() uint8 {
	for tx := uint8(7); tx > 0; tx-- {
		if e&rowsOf(tx) != 0 {
			return tx
		}
	}
	return 0
}

// checkpoint is the record of that name, without what identifies the relay.
type checkpoint struct {
	phase    ckPhase
	timeline uint8
	resume   uint8 // exclusive
	// partial is the transaction published in part, 0 for none; rows is how much of it, partialLSN its commit LSN.
	partial, rows, partialLSN uint8
	// witness is the last transaction with rows that was decided whole; 0 for none. It stands for xid, commit time and
	// digest. witnessLSN is its commit LSN; without a witness it is where init began.
	witness, witnessLSN uint8
	publication         uint8
	topic               uint8 // generation of the checkpoint topic
	total               uint8
	ends                [2]uint8
	// branch of history that the writer saw. The protocol does not know it; it tells the model whether a refusal is just.
	branch uint8
}

type ckPhase uint8

const (
	noCheckpoint ckPhase = iota
	creating
	streamed
)

// undecided is the first LSN of which the checkpoint says nothing.
func (c *checkpoint) undecided() uint8 {
	if c.partial != 0 {
		return c.partialLSN + 1
	}
	return c.resume
}
