package relay

import (
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// Config is everything that a relay needs to know. The parts are those of the packages it joins.
type Config struct {
	Source replication.Config
	Outbox outbox.Config
	Kafka  publisher.Config

	// Table is the outbox table, schema.table; empty when only WAL messages are published.
	Table    string
	OnUpdate OnUpdate
	Cleanup  Cleanup
	// Failover makes `relay init` create a failover slot.
	Failover bool
	// Parked is the full name of the topic for events that cannot be published.
	Parked  string
	Failure Failure
	// InternalTopics says how `relay init` creates the checkpoint and parked topics; nil: somebody else creates them.
	InternalTopics *publisher.TopicSpec
	// Development allows replication factor 1.
	Development bool
	Batch       Batch
	// IdleEvery is how often the checkpoint moves while there is nothing to publish but WAL grows; default 10 s.
	IdleEvery time.Duration
	// WatchEvery is how often publication, tables and slot are compared with the checkpoint; default 3 s.
	WatchEvery time.Duration

	Version, Host string
	Logger        *slog.Logger
	Protocol      *slog.Logger // one record for each protocol action
	Status        *status.Tracker
	Trace         Tracer // nil: nobody wants spans
}

// Tracer is told of events whose Kafka transaction has committed.
type Tracer interface {
	// Published must not wait, and keeps nothing of the batch.
	Published(batch *outbox.Batch, at time.Time)
}

// Failure says what becomes of an event that cannot be published. The zero value halts.
type Failure struct {
	Park    bool // set it aside in the parked topic and go on
	HoldKey bool // park later events of its topic and key behind it
	MaxHeld int  // events in the parked topic before the relay halts
}

// Batch bounds a Kafka transaction and all memory in flight.
type Batch struct {
	MaxEvents int // events in one Kafka transaction
	MaxBytes  int // bytes of events in one Kafka transaction
	Memory    int // bytes of everything in flight; at least twice MaxBytes
}

const (
	defaultIdleEvery  = 10 * time.Second
	defaultWatchEvery = 3 * time.Second
	defaultMaxHeld    = 10_000
)

func (c Config) withDefaults() Config {
	if c.IdleEvery == 0 {
		c.IdleEvery = defaultIdleEvery
	}
	if c.WatchEvery == 0 {
		c.WatchEvery = defaultWatchEvery
	}
	if c.Failure.MaxHeld == 0 {
		c.Failure.MaxHeld = defaultMaxHeld
	}
	if c.OnUpdate == "" {
		c.OnUpdate = OnUpdateIgnore
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Protocol == nil {
		c.Protocol = slog.New(slog.DiscardHandler)
	}
	if c.Status == nil {
		c.Status = status.New(c.Kafka.Relay)
	}
	c.Kafka.ParkedTopic = c.Parked
	c.Kafka.Protocol, c.Kafka.Logger, c.Source.Logger = c.Protocol, c.Logger, c.Logger
	return c
}

// tables are the outbox tables.
func (c *Config) tables() []string {
	if c.Table == "" {
		return nil
	}
	return []string{c.Table}
}

// requestMemory is what of the memory budget the publisher's requests and the buffer of the stream take.
const requestMemory = 12 << 20

// count is how many batches fit into the memory budget: one fills while the other commits; more of them only smooth what
// a slow broker makes uneven.
func (b Batch) count() int { return max(2, (b.Memory-requestMemory)/b.MaxBytes) }

// Keys of log attributes.
const (
	keyRelay     = "relay"
	keySlot      = "slot"
	keyResumeLSN = "resume_lsn"
	keySeq       = "seq"
	keyPID       = "pid"
	keyError     = "error"
)
