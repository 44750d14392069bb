package config

import (
	"errors"
	"maps"
	"slices"

	"github.com/outbox-relay/relay/outbox"
)

func (o Outbox) check(k *checker) {
	k.oneOf("outbox.format", o.Format, "relay", "custom", "debezium")
	k.oneOf("outbox.on_update", o.OnUpdate, "ignore", "halt")
	o.Cleanup.check(k)
	if o.Table == "" && o.WALMessages == "" {
		k.addf("outbox.table", "is empty, and so is outbox.wal_messages; there would be nothing to publish")
	}
	if o.Table != "" && !isTable(o.Table) {
		k.addf("outbox.table", "%q is not a table; write schema.table as in SQL: outbox.event, and a name with capitals or special characters in double quotes", o.Table)
	}
}

func (r Routing) check(k *checker) {
	k.oneOf("routing.partitioner", r.Partitioner, "murmur2", "crc32", "column")
	k.oneOf("routing.tombstone", r.Tombstone, "null", "empty", "never")
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if !slices.Contains([]string{"id", "type", "transaction"}, name) {
			k.addf("routing.headers", "%q is no field that has a header; write id, type or transaction", name)
		}
	}
}

// checkMapping lets package outbox judge what it will work with.
func (c Config) checkMapping(k *checker) {
	for _, err := range each(c.Mapping().Validate()) {
		wrong, ok := errors.AsType[*outbox.ConfigError](err)
		switch {
		case !ok:
			k.addf("outbox", "%s", err)
		case !k.failed(wrong.Field):
			k.addf(wrong.Field, "%q: %s", wrong.Value, wrong.Why)
		}
	}
}

// Mapping is the configuration of package outbox.
func (c Config) Mapping() outbox.Config {
	m := outbox.Config{
		Format:      outbox.Format(c.Outbox.Format),
		Columns:     c.Outbox.Columns,
		WALMessages: c.Outbox.WALMessages,
		Routing: outbox.Routing{
			Topic: c.Routing.Topic,
			Key:   c.Routing.Key,
			Headers: outbox.HeaderNames{
				ID:          c.Routing.Headers["id"],
				Type:        c.Routing.Headers["type"],
				Transaction: c.Routing.Headers["transaction"],
			},
			Tombstone: outbox.Tombstone(c.Routing.Tombstone),
		},
		ReservedTopics: []string{c.Kafka.CheckpointTopic, c.Failure.ParkedTopic},
		Debezium:       c.Outbox.Debezium.mapping(),
	}
	for _, rule := range c.Routing.Rules {
		m.Routing.Rules = append(m.Routing.Rules, outbox.Rule(rule))
	}
	if c.Routing.Partitioner == "column" {
		m.Routing.Partition = "partition"
	}
	return m
}
