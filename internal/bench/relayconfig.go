package bench

import (
	"fmt"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
)

// relayConfig is the file: everything that costs or saves time comes from the configuration that was given, every name
// is ours.
func relayConfig(c config.Config, n names, brokers []string, topic string) string {
	quoted := make([]string, len(brokers))
	for i, broker := range brokers {
		quoted[i] = fmt.Sprintf("%q", broker)
	}
	var f strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&f, format+"\n", args...) }
	line("name: %s", n.relay())
	line("source: {url: %q, password_file: %q, slot: %s, publication: %s, failover: never, wal_sender_timeout: %s}",
		c.Source.URL, c.Source.PasswordFile, n.slot(), n.postgres(), c.Source.WalSenderTimeout)
	line("outbox: {table: %s.event}", n.postgres())
	line("routing: {topic: %q}", topic)
	line("kafka: {brokers: [%s], compression: %s, transaction_timeout: %s, checkpoint_topic: %q, replication_factor: %d, development: %t}",
		strings.Join(quoted, ", "), c.Kafka.Compression, c.Kafka.TransactionTimeout, n.checkpoints(), c.Kafka.ReplicationFactor, c.Kafka.Development)
	line("batch: {max_events: %d, max_bytes: %s, memory: %s}", c.Batch.MaxEvents, c.Batch.MaxBytes, c.Batch.Memory)
	line("failure: {parked_topic: %q}", n.parked())
	line("server: {listen: \"\"}")
	line("log: {level: info, format: json}")
	return f.String()
}
