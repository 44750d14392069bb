package guard

import (
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Facts is everything a verdict rests on.
type Facts struct {
	Want        Want
	Server      Server
	Slot        *Slot        // nil: there is none
	Publication *Publication // nil: there is none
	Kafka       Kafka
	Barrier     *publisher.Barrier // the newest committed one, seen before fencing
	Checkpoint  *publisher.Checkpoint
}

// Want is what the configuration asks for.
type Want struct {
	Relay       string
	Shard, Of   int32
	Slot        string
	Publication string
	Tables      []string // outbox tables, schema.table
	Messages    bool     // WAL messages are to be published too
	Development bool     // allows replication factor 1
}

// Server is what Postgres says of itself, asked on the replication connection.
type Server struct {
	SystemID    string
	Timeline    uint32
	FlushLSN    outbox.LSN
	Database    string
	DatabaseOID uint32
	Version     int // as server_version_num, 170011
	InRecovery  bool
	WALLevel    string
	Role        string
	History     []TimelineSwitch // of the server's timeline, oldest first
}

// TimelineSwitch is a line of a timeline's history: Timeline ended at LSN.
type TimelineSwitch struct {
	Timeline uint32
	LSN      outbox.LSN
}

// Slot is a row of pg_replication_slots.
type Slot struct {
	Plugin, Database    string
	Temporary, TwoPhase bool
	ConfirmedFlush      *outbox.LSN // nil: NULL
	WALStatus           string      // reserved, extended, unreserved, lost
	Invalidation        string      // 17 and newer, empty when valid
	ActivePID           uint32      // 0: nobody
}

// Publication is what the catalogue says of the publication.
type Publication struct {
	OID, Xmin        uint32
	Insert, Update   bool
	ViaPartitionRoot bool
	Tables           []Table // the outbox tables of Want, each present even if it does not exist or is not published
}

// Table is an outbox table as the catalogue has it.
type Table struct {
	Name           string
	OID            uint32 // 0: there is no such table
	Published      bool
	MembershipOID  uint32
	MembershipXmin uint32
	Partitioned    bool
	Unlogged       []string // the table itself or leaves of it that are unlogged
	RowFilter      string
	Unmappable     string // why the mapping cannot work with the table's columns, empty when it can
	Unlisted       string // why it cannot work with the publication's column list, empty when it can
}

// Kafka is what the brokers say.
type Kafka struct {
	ClusterID          string
	Release            string   // lowest release that the brokers can be, for people
	TooOld             bool     // older than 3.7
	VerificationOff    bool     // transaction.partition.verification.enable=false somewhere
	CheckpointTopic    *Topic   // nil: it does not exist
	Guarded            []Topic  // other topics whose replication matters: parked, literal event topics, __transaction_state
	Lost               []string // partitions whose log ends at or below an acknowledged offset, in words
	ForeignSeq         []string // partitions whose tail carries a relay-seq of ours above events_total, in words
	CheckpointTopicFor string   // its name
}

// Topic is a topic with the settings that a verdict needs.
type Topic struct {
	Name              string
	ID                string
	Compacted         bool
	CleanupPolicy     string
	Partitions        int // 0: not known
	ReplicationFactor int
	MinInsync         int // 0: not known
}
