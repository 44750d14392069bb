package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxTopic is the longest name of a Kafka topic.
const maxTopic = 249

func (c Kafka) check(k *checker) {
	if len(c.Brokers) == 0 {
		k.addf("kafka.brokers", "is missing; write at least one host:port, as in [kafka-1:9092]")
	}
	for _, broker := range c.Brokers {
		if !isAddress(broker, 1) {
			k.addf("kafka.brokers", "%q is not an address; write host:port, as in kafka-1:9092", broker)
		}
	}
	k.oneOf("kafka.compression", c.Compression, "none", "gzip", "snappy", "lz4", "zstd")
	between(k, "kafka.transaction_timeout", c.TransactionTimeout, Duration(5*time.Second), Duration(15*time.Minute),
		"shorter aborts transactions of a slow network, longer than transaction.max.timeout.ms (15m) brokers refuse")
	k.oneOf("kafka.create_topics", c.CreateTopics, "internal", "all", "none")
	between(k, "kafka.partitions", c.Partitions, 1, 10_000, "a topic has at least one")
	between(k, "kafka.replication_factor", c.ReplicationFactor, 1, 100, "a topic has at least one replica")
	if c.ReplicationFactor >= 1 && c.ReplicationFactor < 3 && !c.Development {
		k.addf("kafka.replication_factor", "%d is less than 3; one lost disk would lose acknowledged events. "+
			"kafka.development: true accepts that on a machine of your own", c.ReplicationFactor)
	}
}

// checkTopics looks at the topics that a relay keeps for itself.
func (c Config) checkTopics(k *checker) {
	c.checkTopicPrefix(k, "kafka.checkpoint_topic", c.Kafka.CheckpointTopic)
	c.checkTopicPrefix(k, "failure.parked_topic", c.Failure.ParkedTopic)
	if c.Kafka.CheckpointTopic == c.Failure.ParkedTopic {
		k.addf("failure.parked_topic", "%q is kafka.checkpoint_topic too; the two must differ", c.Failure.ParkedTopic)
	}
}

func (c Config) checkTopicPrefix(k *checker, path, prefix string) {
	switch {
	case !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(prefix) || strings.HasPrefix(prefix, "__"):
		k.addf(path, "%q is not a topic prefix; write letters, digits, ., _ and -, not beginning with __", prefix)
	case len(prefix)+1+len(c.Name) > maxTopic:
		k.addf(path, "%q is too long; with the relay's name it may have %d characters", prefix, maxTopic)
	}
}

// isAddress tells whether s is host:port with a host and a port of at least lowest.
func isAddress(s string, lowest int) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /@") {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= lowest && n <= 65535 && (host != "" || lowest == 0)
}
