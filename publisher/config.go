package publisher

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Config is what a Client wants to know. The zero value of a field that has a default means the default.
type Config struct {
	// Brokers are bootstrap addresses, host:port. They are tried in parallel.
	Brokers []string
	// Relay is the relay's name. The transactional id is relay-<name>, or relay-<name>.<shard> with shards.
	Relay string
	// Shard counts from 0, Of is the number of shards (default 1).
	Shard, Of int32
	// CheckpointTopic is the full name of this relay's checkpoint topic. Shard i owns its partition 2i.
	CheckpointTopic string
	// ParkedTopic is the full name of this relay's topic for events that cannot be published; empty: none can be parked.
	ParkedTopic string
	// ReservedPrefixes are the configured names of the checkpoint and parked topics. A record whose topic begins with
	// one of them is refused, else an application could forge a checkpoint inside our own transaction.
	ReservedPrefixes []string
	// TransactionTimeout is how long a transaction may stay open before the broker aborts it (default 30 s). Publish
	// gives up after half of it.
	TransactionTimeout time.Duration
	// Compression of the events: none (default), gzip, snappy, lz4, zstd. Checkpoints are never compressed.
	Compression string
	// Partitioner is murmur2 (default; as Java and Kafka Streams) or crc32 (as librdkafka's consistent).
	Partitioner string
	// CreateTopics creates a missing event topic when a record names it first. Nil: such a record cannot be published.
	CreateTopics *TopicSpec
	// Missing are topics that did not exist a moment ago: they are asked for again, but not waited for.
	Missing map[string]bool
	// Protocol gets one record per protocol action, Logger what people want to read. Nil discards.
	Protocol, Logger *slog.Logger
}

// Compressions and Partitioners are the values that Config accepts.
func Compressions() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

// Partitioners are the values that Config accepts.
func Partitioners() []string { return []string{"murmur2", "crc32"} }

// TransactionalID is the one transactional id of this relay or shard.
func (c *Config) TransactionalID() string { return "relay-" + c.Name() }

// CheckpointPartition is the partition of the checkpoint topic with this shard's barrier and checkpoint.
func (c *Config) CheckpointPartition() int32 { return 2 * c.Shard }

// Name is the relay as readers see it: each shard counts its events for itself.
func (c *Config) Name() string {
	if c.Of > 1 {
		return fmt.Sprintf("%s.%d", c.Relay, c.Shard)
	}
	return c.Relay
}

// withDefaults fills what was left out and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.Of == 0 {
		c.Of = 1
	}
	if c.TransactionTimeout == 0 {
		c.TransactionTimeout = 30 * time.Second
	}
	if c.Compression == "" {
		c.Compression = "none"
	}
	if c.Partitioner == "" {
		c.Partitioner = "murmur2"
	}
	if c.Protocol == nil {
		c.Protocol = slog.New(slog.DiscardHandler)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.validate()
}

func (c *Config) validate() error {
	switch {
	case len(c.Brokers) == 0:
		return fmt.Errorf("brokers: none given, want at least one host:port")
	case c.Relay == "":
		return fmt.Errorf("relay: empty name, want the relay's name: the transactional id is made of it")
	case c.CheckpointTopic == "":
		return fmt.Errorf("checkpoint topic: empty name")
	case c.Shard < 0 || c.Of < 1 || c.Shard >= c.Of:
		return fmt.Errorf("shard %d of %d: want 0 <= shard < of", c.Shard, c.Of)
	case c.TransactionTimeout < time.Second || c.TransactionTimeout > 15*time.Minute:
		return fmt.Errorf("transaction timeout %v: want 1s to 15m, the broker's default upper limit", c.TransactionTimeout)
	case !slices.Contains(Compressions(), c.Compression):
		return fmt.Errorf("compression %q: want one of %s", c.Compression, strings.Join(Compressions(), ", "))
	case !slices.Contains(Partitioners(), c.Partitioner):
		return fmt.Errorf("partitioner %q: want one of %s", c.Partitioner, strings.Join(Partitioners(), ", "))
	}
	return nil
}
