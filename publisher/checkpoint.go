package publisher

import (
	"fmt"
	"strconv"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Identity says whose checkpoint it is and of what. Any difference between a record and the running relay refuses:
// one name on two databases, a mirrored or recreated topic, a renamed relay would lose or repeat events.
type Identity struct {
	Relay          string `json:"relay"`
	Generation     int64  `json:"generation"` // time of init or adopt, milliseconds since the Unix epoch
	Shard          int32  `json:"shard"`      // from 0
	Of             int32  `json:"of"`         // number of shards, 1 without sharding
	SystemID       string `json:"system_id"`
	DatabaseOID    uint32 `json:"database_oid"`
	Database       string `json:"database"`
	Slot           string `json:"slot"`
	KafkaClusterID string `json:"kafka_cluster_id"`
	TopicID        string `json:"topic_id"` // of the checkpoint topic
}

// Transaction refers to a Postgres transaction with rows. {system id, timeline, LSN, xid} is not unique: a restored
// disk or two promotions reuse them; commit time, row count and digest tell them apart.
type Transaction struct {
	CommitLSN  outbox.LSN `json:"commit_lsn"`
	XID        uint32     `json:"xid"`
	CommitTime int64      `json:"commit_ts"` // microseconds since the Unix epoch
	Rows       uint64     `json:"rows"`      // as received, before mapping, filters and routing
	Digest     Digest     `json:"digest"`
}

// Digest is a 64-bit hash over the rows of a transaction as received.
type Digest uint64

// MarshalText writes the digest as 16 hexadecimal digits: JSON numbers of that size lose bits in other readers.
func (d Digest) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(d)), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || len(text) != 16 {
		return fmt.Errorf("parse digest %q: want 16 hexadecimal digits", text)
	}
	*d = Digest(v)
	return nil
}

// Publication is what the catalogue said of the publication and of each outbox table in it. A table that is taken out
// and put back changes only its row in pg_publication_rel; an option that is changed and changed back only xmin.
type Publication struct {
	OID    uint32           `json:"oid"`
	Xmin   uint32           `json:"xmin"`
	Tables []PublishedTable `json:"tables"`
}

// PublishedTable is an outbox table and its membership in the publication.
type PublishedTable struct {
	Name           string `json:"name"` // schema.table
	OID            uint32 `json:"oid"`
	MembershipOID  uint32 `json:"membership_oid"`  // pg_publication_rel.oid, 0 for FOR ALL TABLES and schemas
	MembershipXmin uint32 `json:"membership_xmin"` // its xmin
}

// Holds counts what was set aside.
type Holds struct {
	Count      uint64 `json:"count"`            // keys that are held
	LastOffset int64  `json:"last_offset"`      // of the newest record in the holds partition, as far as it was known
	Parked     uint64 `json:"parked,omitempty"` // events in the parked topic, held ones included
}

// End is the last offset that a relay wrote to one partition.
type End struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Phase of a relay's life.
type Phase string

// The phases.
const (
	PhaseCreating Phase = "creating" // init began and has not finished
	PhaseStream   Phase = "stream"
)

// Writer is for people: who wrote the record.
type Writer struct {
	Version string    `json:"version"`
	Host    string    `json:"host"`
	Time    time.Time `json:"time"`
}

// Checkpoint says how far a relay is. It is committed in the same Kafka transaction as the events it covers.
type Checkpoint struct {
	Identity
	Timeline uint32 `json:"timeline"`
	// ResumeLSN is exclusive: everything with a commit LSN below it is decided.
	ResumeLSN outbox.LSN `json:"resume_lsn"`
	// Partial is set only inside a transaction that is published in pieces; ResumeLSN stays meanwhile.
	Partial *Transaction `json:"partial,omitempty"`
	// Pieces counts the pieces of Partial published so far.
	Pieces uint32 `json:"pieces,omitempty"`
	// Floor is the resume LSN that init or adopt began with. Without a witness it stands in for one: no transaction with
	// rows lay between it and ResumeLSN, so one that shows up there comes from another history.
	Floor outbox.LSN `json:"floor"`
	// Witness is the last transaction with rows that was decided whole; nil after init and adopt.
	Witness     *Transaction `json:"witness,omitempty"`
	Publication Publication  `json:"publication"`
	// TableAdded is when a table was added to Publication last, in milliseconds since the Unix epoch: what was written to it
	// before is not published. 0: all were there from the beginning.
	TableAdded int64 `json:"table_added,omitempty"`
	// Fingerprint of the stream options decides whether digests of two sessions may be compared.
	Fingerprint string `json:"fingerprint"`
	Seq         uint64 `json:"seq"`          // grows by one with each checkpoint
	EventsTotal uint64 `json:"events_total"` // records published to event topics since Generation
	// Ends are the last offsets of the last transaction with events whose offsets were known when this record was
	// written: those of the transaction before, or, in an idle checkpoint, of the newest one.
	Ends  []End `json:"ends,omitempty"`
	Holds Holds `json:"holds"`
	Phase Phase `json:"phase"`
	Writer
}

// Since is the time from which every row of every outbox table is published: what was written by a transaction that
// began earlier, by the database's clock, may have been there before the relay was.
func (c *Checkpoint) Since() time.Time { return time.UnixMilli(max(c.Generation, c.TableAdded)).UTC() }
