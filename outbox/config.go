package outbox

// Config says how rows and WAL messages become records. The zero value is not usable: begin with Defaults.
type Config struct {
	Format Format

	// Columns maps a logical name (id, aggregate_type, aggregate_id, event_type, payload, payload_bytes, headers, topic,
	// occurred_at, partition) to the table's own column. A name that is not in it is the column of that name.
	Columns map[string]string

	// WALMessages is the prefix of the pg_logical_emit_message messages that are events; "" leaves all of them out.
	WALMessages string

	Routing Routing

	// ReservedTopics are names that no event may reach: each forbids itself and every name that begins with it and a
	// dot. The checkpoint and parked topics belong here, else an application could forge a checkpoint inside Relay's own
	// Kafka transaction. Names that begin with two underscores are always forbidden.
	ReservedTopics []string

	// Debezium are the options of FormatDebezium.
	Debezium Debezium
}

// Format is the shape of the outbox table.
type Format string

// The formats.
const (
	FormatRelay    Format = "relay"    // the table of package migrations: every column of it must be there
	FormatCustom   Format = "custom"   // any table: Columns names what the event is made of
	FormatDebezium Format = "debezium" // a table made for Debezium's outbox event router
)

// Routing says where an event goes and what it looks like there. Column names in it are logical names first, the
// table's own columns otherwise.
type Routing struct {
	// Topic is a template: "${aggregate_type}.events". A topic column that is not NULL overrides it, rules precede it.
	Topic string
	// Always, unless empty, is the topic of every event, whatever column, rules and template say: for what could not be
	// routed and is to go somewhere after all.
	Always string
	// Rules are tried in order; the first one that matches names the topic.
	Rules []Rule
	// Key is the column whose text is the record key; "" gives null keys. NULL in it is a null key.
	Key string
	// Headers are the names of Relay's optional headers.
	Headers HeaderNames
	// Tombstone says which events have a null value.
	Tombstone Tombstone
	// Partition is the column that holds the partition number; "" leaves the choice to the partitioner, as NULL does.
	Partition string
}

// Rule sends the events whose columns match to a topic.
type Rule struct {
	// Match holds a regular expression for each column, not anchored by itself. All must match; NULL matches none.
	Match map[string]string
	// Topic is a template as in Routing.
	Topic string
}

// HeaderNames name the headers that are made from the event; "" leaves one out.
type HeaderNames struct {
	ID          string // the event's id
	Type        string // event_type
	Transaction string // xid of the Postgres transaction, in decimal
}

// Tombstone says which events have a null value in Kafka, which in a compacted topic deletes their key.
type Tombstone string

// The choices.
const (
	TombstoneNull  Tombstone = "null"  // a payload that is SQL NULL
	TombstoneEmpty Tombstone = "empty" // a payload that is SQL NULL or has no bytes
	TombstoneNever Tombstone = "never" // none: a NULL payload is a bad event
)

// Defaults is the configuration of a table made by package migrations.
func Defaults() Config {
	return Config{
		Format: FormatRelay,
		Routing: Routing{
			Topic:     "${aggregate_type}.events",
			Key:       "aggregate_id",
			Headers:   HeaderNames{ID: "id", Type: "type", Transaction: "relay-tx"},
			Tombstone: TombstoneNull,
		},
		Debezium: DefaultDebezium(),
	}
}
