package config

import "time"

// Config is the configuration of one relay. The field tags are the keys of the file.
type Config struct {
	// Name is the relay's identity: the transactional id is "relay-" and this name. It can never change.
	Name    string  `yaml:"name"`
	Source  Source  `yaml:"source"`
	Outbox  Outbox  `yaml:"outbox"`
	Routing Routing `yaml:"routing"`
	Kafka   Kafka   `yaml:"kafka"`
	Batch   Batch   `yaml:"batch"`
	Failure Failure `yaml:"failure"`
	Server  Server  `yaml:"server"`
	Log     Log     `yaml:"log"`
	Tracing Tracing `yaml:"tracing"`
}

// Source is the Postgres database that holds the outbox.
type Source struct {
	// URL is a connection URL or a list of libpq keywords. What it lacks comes from the PG* variables and the
	// passfile, as in psql.
	URL string `yaml:"url"`
	// PasswordFile names a file that holds the password; it is read again for every session.
	PasswordFile string `yaml:"password_file"`
	// Slot is the replication slot; by default "relay_" and the name, with _ for -.
	Slot string `yaml:"slot"`
	// Failover says whether init makes a failover slot: auto where the server can (Postgres 17), or never.
	Failover string `yaml:"failover"`
	// Publication is the publication that the migrations made.
	Publication string `yaml:"publication"`
	// WalSenderTimeout is how long the server waits for a silent relay before it frees the slot. Shorter hands over
	// to a standby sooner; longer survives longer pauses.
	WalSenderTimeout Duration `yaml:"wal_sender_timeout"`
}

// Outbox says where events are written and how a row is read.
type Outbox struct {
	// Format is relay (the table of our migrations), custom (any table, with Columns) or debezium (a table made for
	// Debezium's outbox event router).
	Format string `yaml:"format"`
	// Table is the outbox table as schema.table, as SQL writes it; empty when only WAL messages are published.
	Table string `yaml:"table"`
	// Columns gives the table's column for a field of the event.
	Columns map[string]string `yaml:"columns"`
	// WALMessages is the prefix of the pg_logical_emit_message events to publish too; empty for none.
	WALMessages string `yaml:"wal_messages"`
	// OnUpdate is what an UPDATE of an outbox row means, if the publication sends it: ignore or halt. A DELETE never
	// means anything.
	OnUpdate string `yaml:"on_update"`
	// Cleanup frees what is old in the table of our migrations.
	Cleanup Cleanup `yaml:"cleanup"`
	// Debezium are the options of the debezium format.
	Debezium Debezium `yaml:"debezium"`
}

// Cleanup says when a weekday of the outbox table is truncated. It concerns the relay format only.
type Cleanup struct {
	// Enabled truncates; otherwise the table grows until somebody else does.
	Enabled bool `yaml:"enabled"`
	// Keep is how old the youngest row of a weekday has to be. Longer can be audited and repaired further back and needs
	// more disk. Of more than 143h the last hour does not count, for the weekday comes again.
	Keep Duration `yaml:"keep"`
	// LockTimeout is how long truncating may wait for its lock and hold it, all in all: an application that writes to that
	// weekday in that moment waits as long.
	LockTimeout Duration `yaml:"lock_timeout"`
}

// Routing says which topic, key and headers an event gets.
type Routing struct {
	// Topic is a template over the fields of the event.
	Topic string `yaml:"topic"`
	// Rules come before Topic; the first match wins.
	Rules []Rule `yaml:"rules"`
	// Key is the field of the event that becomes the record key.
	Key string `yaml:"key"`
	// Partitioner is murmur2, as Java producers and Kafka Streams partition.
	Partitioner string `yaml:"partitioner"`
	// Headers gives the header name for a field; "" leaves the header out.
	Headers map[string]string `yaml:"headers"`
	// Tombstone says which payload is published as a null value: "null" (SQL NULL), empty (that and length 0) or never.
	Tombstone string `yaml:"tombstone"`
}

// Rule sends the events that match it to a topic of their own.
type Rule struct {
	// Match gives, for fields of the event, the regular expression that each must match.
	Match map[string]string `yaml:"match" json:"match"`
	// Topic is a template, as Routing.Topic.
	Topic string `yaml:"topic" json:"topic"`
}

// Kafka is the cluster that events and checkpoint are written to.
type Kafka struct {
	// Brokers are the host:port pairs that are asked first.
	Brokers []string `yaml:"brokers"`
	// Compression of event batches: none, gzip, snappy, lz4 or zstd.
	Compression string `yaml:"compression"`
	// TransactionTimeout is after which time a broker aborts a transaction that a dead relay left open.
	TransactionTimeout Duration `yaml:"transaction_timeout"`
	// CheckpointTopic is the prefix of the checkpoint topic; the relay's name follows after a dot.
	CheckpointTopic string `yaml:"checkpoint_topic"`
	// CreateTopics says what init creates: internal (the checkpoint topic), all (event topics named literally too) or none.
	CreateTopics string `yaml:"create_topics"`
	// Partitions of the event topics that init creates.
	Partitions int `yaml:"partitions"`
	// ReplicationFactor of the topics that init creates.
	ReplicationFactor int `yaml:"replication_factor"`
	// Development accepts topics that one lost disk can lose.
	Development bool `yaml:"development"`
}

// Batch bounds what is in flight.
type Batch struct {
	// MaxEvents in one Kafka transaction. Larger is faster over a slow network; a failure publishes as many again.
	MaxEvents int `yaml:"max_events"`
	// MaxBytes of events in one Kafka transaction.
	MaxBytes Size `yaml:"max_bytes"`
	// Memory is the budget for everything between the socket of Postgres and that of Kafka.
	Memory Size `yaml:"memory"`
}

// Failure says what happens to an event that can never be published.
type Failure struct {
	// OnUnpublishable is halt: stop before the Postgres transaction that holds it; or park: set it aside in the parked
	// topic and go on.
	OnUnpublishable string `yaml:"on_unpublishable"`
	// ParkedTopic is the prefix of the parked topic; the relay's name follows after a dot. Events are never routed to it.
	ParkedTopic string `yaml:"parked_topic"`
	// HoldKey parks later events of the same topic and key behind a parked one, so that their order survives. Without it
	// they overtake it.
	HoldKey bool `yaml:"hold_key"`
	// MaxHeld is how many events may lie in the parked topic, held ones included, before the relay halts.
	MaxHeld int `yaml:"max_held"`
}

// Server is the HTTP server for health, metrics and status, and the socket for those who may change something.
type Server struct {
	// Listen is host:port; port 0 takes a free one; empty serves nothing.
	Listen string `yaml:"listen"`
	// AdminSocket is the path of the Unix socket for pause, resume and reload; empty: /run/relay/<name>.sock or
	// $XDG_RUNTIME_DIR/relay-<name>.sock, whichever directory can be written to; none: no socket.
	AdminSocket string `yaml:"admin_socket"`
	// ReadyMaxLag is how far behind a ready relay may be; 0 for any.
	ReadyMaxLag Duration `yaml:"ready_max_lag"`
}

// Log is what goes to standard error.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is auto (text on a terminal, else json), text or json.
	Format string `yaml:"format"`
}

// Tracing says where spans go.
type Tracing struct {
	// OTLPEndpoint is the base address of a collector that takes OTLP over HTTP; empty: no spans. One goes there for each
	// event whose traceparent says that it is sampled.
	OTLPEndpoint string `yaml:"otlp_endpoint"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Source: Source{
			Failover:         "auto",
			Publication:      "outbox",
			WalSenderTimeout: Duration(10 * time.Second),
		},
		Outbox: Outbox{
			Format:   "relay",
			Table:    "outbox.event",
			Columns:  map[string]string{},
			OnUpdate: "ignore",
			Cleanup:  Cleanup{Enabled: true, Keep: Duration(72 * time.Hour), LockTimeout: Duration(2 * time.Second)},
			Debezium: defaultDebezium(),
		},
		Routing: Routing{
			Topic:       "${aggregate_type}.events",
			Rules:       []Rule{},
			Key:         "aggregate_id",
			Partitioner: "murmur2",
			Headers:     map[string]string{"id": "id", "type": "type", "transaction": "relay-tx"},
			Tombstone:   "null",
		},
		Kafka: Kafka{
			Brokers:            []string{},
			Compression:        "none",
			TransactionTimeout: Duration(30 * time.Second),
			CheckpointTopic:    "relay.checkpoints",
			CreateTopics:       "internal",
			Partitions:         6,
			ReplicationFactor:  3,
		},
		Batch:   Batch{MaxEvents: 50_000, MaxBytes: 16 << 20, Memory: 48 << 20},
		Failure: Failure{OnUnpublishable: "halt", ParkedTopic: "relay.parked", HoldKey: true, MaxHeld: 10_000},
		Server:  Server{Listen: "127.0.0.1:9680"},
		Log:     Log{Level: "info", Format: "auto"},
	}
}
