package publisher

import (
	"math"
	"strconv"
	"time"
)

// topic is what Plan and Publish know of a topic. It is immutable: a refresh makes a new one.
type topic struct {
	name    string
	id      string
	leaders []int32 // broker id by partition; -1: none at the moment
	// replication is the smallest number of replicas among the partitions.
	replication int16
	inSync      int16 // the smallest number of replicas in sync among the partitions
	config      topicConfig
}

func (t *topic) partitions() int32 { return int32(len(t.leaders)) }

// topicConfig are the settings of a topic that matter to us.
type topicConfig struct {
	known           bool // false: not authorised to look, the rest are the broker's defaults
	cleanupPolicy   string
	minInSync       int32
	maxMessageBytes int32
	retention       time.Duration // -1: for ever
	timestampBefore time.Duration // -1: no limit
	timestampAfter  time.Duration // -1: no limit
	logAppendTime   bool
	uncleanElection bool
}

// defaultTopicConfig is what a broker has without any setting.
func defaultTopicConfig() topicConfig {
	return topicConfig{
		cleanupPolicy:   "delete",
		minInSync:       1,
		maxMessageBytes: 1 << 20,
		retention:       7 * 24 * time.Hour,
		timestampBefore: -1,
		timestampAfter:  time.Hour,
	}
}

func topicConfigNames() []string {
	return []string{
		"cleanup.policy", "min.insync.replicas", "max.message.bytes", "retention.ms", "message.timestamp.before.max.ms",
		"message.timestamp.after.max.ms", "message.timestamp.type", "unclean.leader.election.enable",
	}
}

// set takes one setting as DescribeConfigs answers it. A value that is no number is left at the default.
func (c *topicConfig) set(name, value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch name {
	case "cleanup.policy":
		c.cleanupPolicy = value
	case "message.timestamp.type":
		c.logAppendTime = value == "LogAppendTime"
	case "unclean.leader.election.enable":
		c.uncleanElection = value == "true"
	}
	if err != nil {
		return
	}
	switch name {
	case "min.insync.replicas":
		c.minInSync = int32(min(n, math.MaxInt32))
	case "max.message.bytes":
		c.maxMessageBytes = int32(min(n, math.MaxInt32))
	case "retention.ms":
		c.retention = milliseconds(n)
	case "message.timestamp.before.max.ms":
		c.timestampBefore = milliseconds(n)
	case "message.timestamp.after.max.ms":
		c.timestampAfter = milliseconds(n)
	}
}

// milliseconds is n ms, or -1 for what means "no limit": negative, or more than a Duration holds.
func milliseconds(n int64) time.Duration {
	if n < 0 || n > int64(math.MaxInt64/time.Millisecond) {
		return -1
	}
	return time.Duration(n) * time.Millisecond
}

// oldest is the age from which on a record gets the publish time as its timestamp: the broker would refuse it, or
// delete it together with its segment before a consumer has had half of the retention to read it. -1: no age.
func (c *topicConfig) oldest() time.Duration {
	if c.logAppendTime {
		return -1
	}
	age := c.timestampBefore
	if c.cleanupPolicy != "compact" && c.retention >= 0 && (age < 0 || c.retention < age) {
		age = c.retention
	}
	if age < 0 {
		return -1
	}
	return age / 2
}

// batchLimit is the most bytes of records that we put into one batch, uncompressed. The broker's limit is on the batch
// as it is stored, so the batch header comes off, and one part in 64 for a codec that makes incompressible data longer.
func (c *topicConfig) batchLimit() int {
	limit := min(int(c.maxMessageBytes), maxBatchBytes) - batchOverhead
	return limit - limit/64
}
