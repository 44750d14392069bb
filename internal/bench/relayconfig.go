package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
)

// relayRun is one relay with names of its own.
type relayRun struct {
	relay, slot, topic string
	brokers            []string
	config             string // path of its configuration file
	daemon             *daemon
}

// newRun takes the next names and writes the configuration of the relay.
func (b *bench) newRun(k *cluster) (*relayRun, error) {
	b.runs++
	r := &relayRun{
		relay: b.names.relay(b.runs), slot: b.names.slot(b.runs), topic: b.names.events(b.runs), brokers: k.brokers,
		config: filepath.Join(b.dir, fmt.Sprintf("relay-%d.yaml", b.runs)),
	}
	if err := os.WriteFile(r.config, []byte(relayConfig(b.Config, b.names, r)), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return r, nil
}

// relayConfig is the file: everything that costs or saves time comes from the configuration that was given, every name
// is ours.
func relayConfig(c config.Config, n names, r *relayRun) string {
	quoted := make([]string, len(r.brokers))
	for i, broker := range r.brokers {
		quoted[i] = fmt.Sprintf("%q", broker)
	}
	var f strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&f, format+"\n", args...) }
	line("name: %s", r.relay)
	line("source: {url: %q, password_file: %q, slot: %s, publication: %s, failover: never, wal_sender_timeout: %s}",
		c.Source.URL, c.Source.PasswordFile, r.slot, n.postgres(), c.Source.WalSenderTimeout)
	line("outbox: {table: %s.event}", n.postgres())
	line("routing: {topic: %q}", r.topic)
	line("kafka: {brokers: [%s], compression: %s, transaction_timeout: %s, checkpoint_topic: %q, replication_factor: %d, development: %t}",
		strings.Join(quoted, ", "), c.Kafka.Compression, c.Kafka.TransactionTimeout, n.checkpoints(), c.Kafka.ReplicationFactor, c.Kafka.Development)
	line("batch: {max_events: %d, max_bytes: %s, memory: %s}", c.Batch.MaxEvents, c.Batch.MaxBytes, c.Batch.Memory)
	line("failure: {parked_topic: %q}", n.parked())
	line("server: {listen: \"\"}")
	line("log: {level: info, format: json}")
	return f.String()
}
