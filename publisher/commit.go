package publisher

import "github.com/outbox-relay/relay/outbox"

// Commit is what goes into one Kafka transaction. The batch must not change until Publish has returned.
type Commit struct {
	// Batch holds the events in order. Nil or empty: the checkpoint alone.
	Batch *outbox.Batch
	// Plan of the batch, made by Client.Plan while the transaction before was committing. Nil: Publish makes it.
	Plan *Plan
	// FirstSeq is the n in relay-seq of the first record; each further one counts one up.
	FirstSeq uint64
	// Piece is 1, 2, ... inside a Postgres transaction that is published in pieces; 0 otherwise.
	Piece uint32
	// Own holds records for Relay's own topics: what is parked or held with this transaction, and what is not any more. Nil:
	// none. Make them with AppendParked, AppendHold and the like.
	Own *outbox.Batch
	// Checkpoint covers the batch. Its Generation goes into relay-seq.
	Checkpoint *Checkpoint
}

// MaxEnds is how many partitions a Result reports the ends of, and a checkpoint remembers.
const MaxEnds = 64

// Result of a committed transaction.
type Result struct {
	Ends             []End // last offset of each partition with events; at most MaxEnds
	CheckpointOffset int64
	HoldsOffset      int64 // of the last record in the holds partition; -1: none
	Bytes            int64 // keys, values and headers of the events, uncompressed
}
