package connector

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/outbox"
)

// Converters of Kafka Connect and Debezium that Relay has an equal for.
const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
	bytesConverter  = "org.apache.kafka.connect.converters.ByteArrayConverter"
	binaryConverter = "io.debezium.converters.BinaryDataConverter"
)

// converters carries the forms of keys and values over.
func (t *translation) converters() {
	d := &t.c.Outbox.Debezium
	d.Keys = t.converter("key.converter", "outbox.debezium.keys", d.Keys)
	d.Values = t.converter("value.converter", "outbox.debezium.values", d.Values)
	if d.Keys == string(outbox.ConvertBytes) {
		t.note(Unsupported, "key.converter", "Relay writes keys as string or json")
		d.Keys = string(outbox.ConvertString)
	}
}

func (t *translation) converter(option, key, standard string) string {
	class, ok := t.take(option)
	switch class {
	case stringConverter:
		t.ignore(option + ".encoding")
		return string(outbox.ConvertString)
	case jsonConverter:
		t.jsonOptions(option)
		return string(outbox.ConvertJSON)
	case bytesConverter:
		return string(outbox.ConvertBytes)
	case binaryConverter, "io.debezium.converters.ByteBufferConverter", "io.debezium.converters.ByteArrayConverter":
		t.delegate(option)
		return string(outbox.ConvertBytes)
	}
	if !ok && t.options[option] == "" {
		t.note(Look, option, "is not in the file, so that of the worker counts; %s is %s until you change it", key, standard)
		return standard
	}
	t.note(Unsupported, option, "is none of StringConverter, JsonConverter, ByteArrayConverter and BinaryDataConverter; %s is %s until you change it", key, standard)
	return standard
}

// jsonOptions looks at the options of a JsonConverter: what Relay writes is JSON without schemas.
func (t *translation) jsonOptions(option string) {
	if schemas, ok := t.takeBool(option + ".schemas.enable"); !ok || schemas {
		t.note(Unsupported, option+".schemas.enable", "is true, or not set, which means true: each record holds its schema; Relay writes no schemas")
	}
	if format, ok := t.take(option + ".decimal.format"); ok && !strings.EqualFold(format, "BASE64") {
		t.note(Unsupported, option+".decimal.format", "Relay writes numeric columns in base64, as the default does")
	}
	t.ignore(option + ".schemas.cache.size")
	t.ignore(option + ".replace.null.with.default")
}

// delegate looks at who writes what is not a bytea.
func (t *translation) delegate(option string) {
	const suffix = ".delegate.converter.type"
	if class, ok := t.take(option + suffix); ok && class != jsonConverter {
		t.note(Unsupported, option+suffix, "Relay writes envelopes as JSON")
	} else if ok {
		t.jsonOptions(option + suffix)
	}
}

// kafka carries brokers and the producer's settings over.
func (t *translation) kafka(w Wanted) {
	t.brokers(w)
	for _, option := range []string{"producer.override.compression.type", "compression.type"} {
		if codec, ok := t.take(option); ok {
			t.c.Kafka.Compression = strings.ToLower(codec)
		}
	}
	const timeout = "producer.override.transaction.timeout.ms"
	if text, ok := t.take(timeout); ok {
		if ms, err := strconv.Atoi(text); err == nil {
			t.c.Kafka.TransactionTimeout = config.Duration(time.Duration(ms) * time.Millisecond)
		} else {
			t.note(Unsupported, timeout, "is not a number of milliseconds")
		}
	}
	t.topics()
}

func (t *translation) brokers(w Wanted) {
	t.c.Kafka.Brokers = w.Brokers
	for _, option := range []string{"producer.override.bootstrap.servers", "bootstrap.servers"} {
		if list, ok := t.take(option); ok && len(t.c.Kafka.Brokers) == 0 {
			t.c.Kafka.Brokers = addresses(list)
		}
	}
	if len(t.c.Kafka.Brokers) == 0 {
		t.c.Kafka.Brokers = []string{"localhost:9092"}
		t.note(Look, "bootstrap.servers", "is not in the file, it belongs to the worker; kafka.brokers is localhost:9092 until you change it (--brokers)")
	}
}

// addresses splits a list of brokers; a listener's name before an address goes.
func addresses(list string) []string {
	var brokers []string
	for broker := range strings.SplitSeq(list, ",") {
		if broker = strings.TrimSpace(broker); broker == "" {
			continue
		}
		if _, address, named := strings.Cut(broker, "://"); named {
			broker = address
		}
		brokers = append(brokers, broker)
	}
	return slices.Clip(brokers)
}

// topics carries over how Kafka Connect creates topics, as far as Relay can.
func (t *translation) topics() {
	const partitions, replicas = "topic.creation.default.partitions", "topic.creation.default.replication.factor"
	if n, ok := t.number(partitions); ok && n > 0 {
		t.c.Kafka.Partitions = n
		t.c.Kafka.CreateTopics = "all"
	}
	switch n, ok := t.number(replicas); {
	case ok && n >= t.c.Kafka.ReplicationFactor:
		t.c.Kafka.ReplicationFactor = n
		t.c.Kafka.CreateTopics = "all"
	case ok && n > 0:
		t.note(Look, replicas, "is %d: one lost disk would lose events; kafka.replication_factor stays %d (kafka.development allows less)", n, t.c.Kafka.ReplicationFactor)
	}
}

func (t *translation) number(option string) (int, bool) {
	text, ok := t.take(option)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.note(Unsupported, option, "is not a number")
	}
	return n, err == nil
}
