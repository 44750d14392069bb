package replication

import "github.com/jackc/pglogrepl"

// LSN is a position in the write-ahead log.
type LSN = pglogrepl.LSN

// Kind tells the messages of a stream apart.
type Kind uint8

// The kinds. Relation, Type and Origin messages are handled inside and never handed out.
const (
	Begin Kind = iota + 1
	Commit
	Insert
	Update
	Delete
	Truncate
	LogicalMessage // written by pg_logical_emit_message
	Keepalive      // only ever between transactions
	Pause          // nothing came for some milliseconds although the stream was in bulk; may stand anywhere
)

// String names the kind for people.
func (k Kind) String() string {
	switch k {
	case Begin:
		return "begin"
	case Commit:
		return "commit"
	case Insert:
		return "insert"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Truncate:
		return "truncate"
	case LogicalMessage:
		return "message"
	case Keepalive:
		return "keepalive"
	case Pause:
		return "pause"
	}
	return "unknown"
}

// Message is one message of the stream. Everything it points to, except Relation and Relations' elements, is borrowed:
// it is valid until the next call of Next.
type Message struct {
	Kind Kind

	// CommitLSN, CommitTime and XID name the transaction in every kind that belongs to one, from Begin to Commit.
	// They are zero in a Keepalive and in a LogicalMessage that is not transactional.
	CommitLSN  LSN
	CommitTime int64 // microseconds since the Unix epoch
	XID        uint32

	// EndLSN, in a Commit, is the end of its commit record: the position to acknowledge and to resume at.
	EndLSN LSN
	// WALEnd, in a Keepalive, is how far the server has decoded: whatever is still to come commits at or after it.
	WALEnd LSN

	// Relation is the table of an Insert, Update or Delete. The pointer stays the same until the server describes the
	// table again, which it does before the first row after any change to it.
	Relation *Relation
	// Values are the columns of the new row of an Insert or Update and of the old row (its replica identity) of a
	// Delete, in the order of Relation.Columns, in text form; nil is NULL.
	Values [][]byte
	// Unchanged counts the columns of an Update that the server did not send because their TOASTed value stayed the
	// same. Their Values are nil. An Insert never has one.
	Unchanged int
	// Relations are the tables of a Truncate.
	Relations []*Relation

	// Transactional, in a LogicalMessage, tells whether it belongs to the transaction around it. One that does not was
	// sent at once when it was written, also by a transaction that rolled back.
	Transactional bool
	Prefix        []byte // of a LogicalMessage
	Content       []byte // of a LogicalMessage

	// Raw is the pgoutput message as received; nil in a Keepalive.
	Raw []byte
}

// Relation describes a table as the server did when the rows that point to it were written.
type Relation struct {
	OID             uint32
	Namespace       string
	Name            string
	ReplicaIdentity byte // pg_class.relreplident: d, n, f or i
	Columns         []Column
}

// Column is one published column of a Relation.
type Column struct {
	Name    string
	TypeOID uint32 // of pg_type; of a domain that Stream.Domains named, what it is made of
	TypeMod int32
	Key     bool // part of the replica identity
}
