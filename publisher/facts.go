package publisher

import (
	"context"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Facts are what the start-up guard wants to know of Kafka. What this relay may not look at is named in Denied.
type Facts struct {
	ClusterID string
	Brokers   []BrokerFacts
	// Checkpoint, Parked and TransactionState are always looked at; a topic that is not there has Exists false.
	Checkpoint, Parked, TransactionState TopicFacts
	// Topics are those that FactsRequest named, in its order.
	Topics []TopicFacts
	// Ends answer FactsRequest.Ends, in its order, and behind them the parked topic if something is parked there: each
	// event has an offset of its own, so that its log is at least as long.
	Ends []EndFacts
	// Denied are the rights that this relay lacks to look, each once, as in "DescribeConfigs on Topic orders".
	Denied []string
}

// FactsRequest says what to look at beyond the internal topics.
type FactsRequest struct {
	ParkedTopic string   // full name; empty: not looked at
	Parked      uint64   // events that the checkpoint counts there
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
	// TransactionMaxTimeout is transaction.max.timeout.ms; 0 when it may not be seen.
	TransactionMaxTimeout time.Duration
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
	Denied            bool   // not authorised to see whether it exists
	ID                string // topic id as Kafka's tools print it
	Partitions        int32
	ReplicationFactor int16 // the smallest of its partitions
	InSync            int16 // replicas in sync, the smallest of its partitions
	Leaderless        int   // partitions without a leader at the moment

	ConfigKnown     bool
	CleanupPolicy   string // "compact", "delete", "compact,delete"
	MinInSync       int32
	Retention       time.Duration // -1: for ever
	MaxMessageBytes int32
	// TimestampBefore is message.timestamp.before.max.ms; -1: no limit.
	TimestampBefore time.Duration
	// TimestampAfter is message.timestamp.after.max.ms; -1: no limit.
	TimestampAfter time.Duration
	LogAppendTime  bool
	// UncleanElection is unclean.leader.election.enable.
	UncleanElection bool
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

// transactionState is where coordinators keep their transactions. It is made when the first one is looked for, so it is
// worth looking at after the fence.
const transactionState = "__transaction_state"

// Facts looks at what the guard wants to know.
func (c *Client) Facts(ctx context.Context, r FactsRequest) (Facts, error) {
	f := Facts{ClusterID: c.clusterID}
	names := append([]string{c.cfg.CheckpointTopic, transactionState}, r.Topics...)
	if r.ParkedTopic != "" {
		names = append(names, r.ParkedTopic)
	}
	found, err := c.lookUp(ctx, names)
	if err != nil {
		return f, err
	}
	if err := c.describe(ctx, found.topics); err != nil {
		return f, err
	}
	f.Checkpoint = f.topic(found, c.cfg.CheckpointTopic)
	f.TransactionState = f.topic(found, transactionState)
	if r.ParkedTopic != "" {
		f.Parked = f.topic(found, r.ParkedTopic)
	}
	for _, name := range r.Topics {
		f.Topics = append(f.Topics, f.topic(found, name))
	}
	if err := c.brokerFacts(ctx, &f); err != nil {
		return f, err
	}
	if err := c.endFacts(ctx, &f, r); err != nil {
		return f, err
	}
	return f, nil
}

// DescribeTopics describes topics by name, those that do not exist too.
func (c *Client) DescribeTopics(ctx context.Context, names []string) ([]TopicFacts, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, err := c.lookUp(ctx, names)
	if err != nil {
		return nil, err
	}
	if err := c.describe(ctx, found.topics); err != nil {
		return nil, err
	}
	var f Facts
	for _, name := range names {
		f.Topics = append(f.Topics, f.topic(found, name))
	}
	return f.Topics, nil
}

// topic tells what was found of a topic, and notes what may not be seen of it.
func (f *Facts) topic(found *lookedUp, name string) TopicFacts {
	t := found.topics[name]
	if t == nil {
		if found.refused[name] == sarama.ErrTopicAuthorizationFailed {
			f.deny("Describe on Topic " + name)
			return TopicFacts{Name: name, Denied: true}
		}
		return TopicFacts{Name: name}
	}
	facts := TopicFacts{
		Name: name, Exists: true, ID: t.id, Partitions: t.partitions(), ReplicationFactor: t.replication,
		InSync: t.inSync, ConfigKnown: t.config.known,
	}
	for _, leader := range t.leaders {
		if leader < 0 {
			facts.Leaderless++
		}
	}
	if !t.config.known {
		f.deny("DescribeConfigs on Topic " + name)
		return facts
	}
	facts.CleanupPolicy = t.config.cleanupPolicy
	facts.MinInSync = t.config.minInSync
	facts.Retention = t.config.retention
	facts.MaxMessageBytes = t.config.maxMessageBytes
	facts.TimestampBefore = t.config.timestampBefore
	facts.TimestampAfter = t.config.timestampAfter
	facts.LogAppendTime = t.config.logAppendTime
	facts.UncleanElection = t.config.uncleanElection
	return facts
}

func (f *Facts) deny(acl string) {
	if !slices.Contains(f.Denied, acl) {
		f.Denied = append(f.Denied, acl)
	}
}
