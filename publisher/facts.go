package publisher

import "time"

// Facts are what the start-up guard wants to know of Kafka. What this relay may not look at is named in Denied.
type Facts struct {
	ClusterID string
	Brokers   []BrokerFacts
	// Checkpoint, Parked and TransactionState are always looked at; a topic that is not there has Exists false.
	Checkpoint, Parked, TransactionState TopicFacts
	// Topics are those that FactsRequest named, in its order.
	Topics []TopicFacts
	// Ends answer FactsRequest.Ends, in its order.
	Ends []EndFacts
	// Denied are the rights that this relay lacks to look, each once, as in "DescribeConfigs on Topic orders".
	Denied []string
}

// FactsRequest says what to look at beyond the internal topics.
type FactsRequest struct {
	ParkedTopic string   // full name; empty: not looked at
	Topics      []string // literally named event topics
	// Ends, EventsTotal and Generation are those of the checkpoint; a tail record of the same generation with a relay-seq
	// above EventsTotal was written by somebody who should not exist.
	Ends        []End
	EventsTotal uint64
	Generation  int64
}

// BrokerFacts describes one broker.
type BrokerFacts struct {
	ID      int32
	Address string
	// Release is the broker's release as far as its API versions tell, as in "3.9"; empty when unknown.
	Release string
	// TooOld: older than 3.7.
	TooOld bool
	// PartitionVerification is transaction.partition.verification.enable.
	PartitionVerification Setting
}

// Setting is a boolean that one may not be allowed to see.
type Setting int8

// The settings.
const (
	Unknown Setting = iota
	Off
	On
)

// TopicFacts describes one topic. The fields behind ConfigKnown are set only when it is true.
type TopicFacts struct {
	Name              string
	Exists            bool
	ID                string // topic id as Kafka's tools print it
	Partitions        int32
	ReplicationFactor int16 // the smallest of its partitions

	ConfigKnown     bool
	CleanupPolicy   string // "compact", "delete", "compact,delete"
	MinInSync       int32
	Retention       time.Duration // -1: for ever
	MaxMessageBytes int32
	// TimestampBefore is message.timestamp.before.max.ms; -1: no limit.
	TimestampBefore time.Duration
	LogAppendTime   bool
}

// EndFacts compare one partition with the checkpoint's memory of it.
type EndFacts struct {
	End
	Known  bool  // false: could not be looked at
	LogEnd int64 // read_uncommitted; at or below Offset: Kafka lost records
	// TailSeq is the highest relay-seq of ours and of the same generation among the records behind Offset; 0: none.
	TailSeq    uint64
	TailOffset int64
}
