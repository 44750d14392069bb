package outbox

// Transaction is the Postgres transaction that a row or message came from.
type Transaction struct {
	Timeline   uint32
	CommitLSN  LSN
	CommitTime int64 // microseconds since the Unix epoch
	XID        uint32
}

// Position names one event for good: Postgres replays committed transactions in commit order, the same way every time.
type Position struct {
	Timeline  uint32
	Index     uint32 // place among the rows of the transaction as received, from 0, before any filter
	CommitLSN LSN
}

// Record is what an event becomes in Kafka. Its bytes are borrowed: from the row it is made of, or
// from the Batch that holds it.
type Record struct {
	Topic     string
	Key       []byte // nil: a null key
	Value     []byte // nil: a tombstone
	Headers   []Header
	ID        []byte // the event's id as text, for people
	Timestamp int64  // milliseconds since the Unix epoch
	Partition int32  // PartitionByKey, unless a column names the partition
	XID       uint32
	Position  Position
}

// PartitionByKey leaves the choice to the partitioner.
const PartitionByKey int32 = -1

// Header is one Kafka record header. A nil Value is a null value.
type Header struct {
	Key, Value []byte
}

func (t Transaction) position(index uint32) Position {
	return Position{Timeline: t.Timeline, Index: index, CommitLSN: t.CommitLSN}
}
