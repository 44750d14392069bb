package connector_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/connector"
)

const secret = "planted-secret"

// usual is a connector as Debezium's documentation has it, for which there is little to say.
func usual() connector.Options {
	return connector.Options{
		"name": "outbox", "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
		"database.hostname": "db", "database.user": "debezium", "database.dbname": "shop", "database.password": secret,
		"topic.prefix": "shop", "table.include.list": "public.outbox", "plugin.name": "pgoutput",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"transforms": "outbox", "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
	}
}

// with are the usual options and changes to them; "-" takes one away.
func with(changes map[string]string) connector.Options {
	o := usual()
	for name, value := range changes {
		if o[name] = value; value == "-" {
			delete(o, name)
		}
	}
	return o
}

var wanted = connector.Wanted{Name: "shop", Brokers: []string{"k:1"}}

func names(notes []connector.Note) []string {
	var list []string
	for _, n := range notes {
		list = append(list, n.Option)
	}
	return list
}

func TestUsualConnector(t *testing.T) {
	got := connector.Translate(usual(), wanted)
	want := config.Default()
	want.Name, want.Kafka.Brokers = "shop", []string{"k:1"}
	want.Source.URL, want.Source.Slot, want.Source.Publication = "postgres://debezium@db:5432/shop?sslmode=prefer", "debezium", "dbz_publication"
	want.Outbox.Format, want.Outbox.Table = "debezium", "public.outbox"
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if err := got.Config.Validate(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"database.password", "tasks.max", "topic.prefix"}, names(got.Notes)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestEveryOptionIsCarriedOver: an option that Relay has a key for reaches it.
func TestEveryOptionIsCarriedOver(t *testing.T) {
	const router = "transforms.outbox."
	before := connector.Translate(usual(), wanted).Config
	for option, tc := range map[string]struct {
		value string
		read  func(config.Config) any
		want  any
	}{
		router + "table.field.event.id":                     {"event_id", func(c config.Config) any { return c.Outbox.Debezium.TableFieldEventID }, "event_id"},
		router + "table.field.event.key":                    {"k", func(c config.Config) any { return c.Outbox.Debezium.TableFieldEventKey }, "k"},
		router + "table.field.event.payload":                {"body", func(c config.Config) any { return c.Outbox.Debezium.TableFieldEventPayload }, "body"},
		router + "table.field.event.timestamp":              {"at", func(c config.Config) any { return c.Outbox.Debezium.TableFieldEventTimestamp }, "at"},
		router + "table.fields.additional.placement":        {"type:header:t", func(c config.Config) any { return c.Outbox.Debezium.TableFieldsAdditionalPlacement }, "type:header:t"},
		router + "table.field.additional.missing":           {"IGNORE", func(c config.Config) any { return c.Outbox.Debezium.TableFieldAdditionalMissing }, "ignore"},
		router + "table.fields.additional.error.on.missing": {"false", func(c config.Config) any { return c.Outbox.Debezium.TableFieldAdditionalMissing }, "ignore"},
		router + "table.expand.json.payload":                {"TRUE", func(c config.Config) any { return c.Outbox.Debezium.TableExpandJSONPayload }, true},
		router + "table.op.invalid.behavior":                {"fatal", func(c config.Config) any { return c.Outbox.OnUpdate }, "halt"},
		router + "route.by.field":                           {"dest", func(c config.Config) any { return c.Outbox.Debezium.RouteByField }, "dest"},
		router + "route.topic.regex":                        {"(?<routedByValue>[a-z]+)", func(c config.Config) any { return c.Outbox.Debezium.RouteTopicRegex }, "(?<routedByValue>[a-z]+)"},
		router + "route.topic.replacement":                  {"events.${routedByValue}", func(c config.Config) any { return c.Outbox.Debezium.RouteTopicReplacement }, "events.${routedByValue}"},
		router + "route.tombstone.on.empty.payload":         {"true", func(c config.Config) any { return c.Outbox.Debezium.RouteTombstoneOnEmptyPayload }, true},
		router + "tracing.span.context.field":               {"trace", func(c config.Config) any { return c.Outbox.Debezium.TracingSpanContextField }, "trace"},
		"database.hostname":                                 {"::1", func(c config.Config) any { return c.Source.URL }, "postgres://debezium@[::1]:5432/shop?sslmode=prefer"},
		"database.port":                                     {"6432", func(c config.Config) any { return c.Source.URL }, "postgres://debezium@db:6432/shop?sslmode=prefer"},
		"database.user":                                     {"a b@c", func(c config.Config) any { return c.Source.URL }, "postgres://a%20b%40c@db:5432/shop?sslmode=prefer"},
		"database.dbname":                                   {"my shop", func(c config.Config) any { return c.Source.URL }, "postgres://debezium@db:5432/my%20shop?sslmode=prefer"},
		"database.sslmode":                                  {"verify-full", func(c config.Config) any { return c.Source.URL }, "postgres://debezium@db:5432/shop?sslmode=verify-full"},
		"slot.name":                                         {"outbox_slot", func(c config.Config) any { return c.Source.Slot }, "outbox_slot"},
		"publication.name":                                  {"Dbz", func(c config.Config) any { return c.Source.Publication }, "Dbz"},
		"table.include.list":                                {`Shop\.Outbox`, func(c config.Config) any { return c.Outbox.Table }, `"Shop"."Outbox"`},
		"key.converter":                                     {"org.apache.kafka.connect.json.JsonConverter", func(c config.Config) any { return c.Outbox.Debezium.Keys }, "json"},
		"value.converter":                                   {"io.debezium.converters.BinaryDataConverter", func(c config.Config) any { return c.Outbox.Debezium.Values }, "bytes"},
		"producer.override.compression.type":                {"zstd", func(c config.Config) any { return c.Kafka.Compression }, "zstd"},
		"producer.override.transaction.timeout.ms":          {"45000", func(c config.Config) any { return c.Kafka.TransactionTimeout.String() }, "45s"},
		"topic.creation.default.partitions":                 {"12", func(c config.Config) any { return c.Kafka.Partitions }, 12},
		"topic.creation.default.replication.factor":         {"5", func(c config.Config) any { return c.Kafka.ReplicationFactor }, 5},
	} {
		if tc.read(before) == tc.want {
			t.Errorf("%s: the value is there without the option", option)
		}
		got := connector.Translate(with(map[string]string{option: tc.value}), wanted)
		if value := tc.read(got.Config); value != tc.want {
			t.Errorf("%s = %s becomes %v, want %v", option, tc.value, value, tc.want)
		}
		if err := got.Config.Validate(); err != nil {
			t.Errorf("%s = %s: %v", option, tc.value, err)
		}
	}
	for _, option := range []string{"producer.override.bootstrap.servers", "bootstrap.servers"} {
		got := connector.Translate(with(map[string]string{option: "PLAINTEXT://a:1, b:2"}), connector.Wanted{})
		if diff := cmp.Diff([]string{"a:1", "b:2"}, got.Config.Kafka.Brokers); diff != "" {
			t.Errorf("%s: %s", option, diff)
		}
	}
}

// TestWhatCannotBeCarriedOver: options with which consumers would see something else are told apart from those that do
// not matter.
func TestWhatCannotBeCarriedOver(t *testing.T) {
	json := "org.apache.kafka.connect.json.JsonConverter"
	for _, tc := range []struct {
		changes map[string]string
		option  string
		kind    connector.Kind
	}{
		{map[string]string{"connector.class": "io.debezium.connector.mysql.MySqlConnector"}, "connector.class", connector.Unsupported},
		{map[string]string{"transforms": "-"}, "transforms", connector.Unsupported},
		{map[string]string{"transforms": "outbox,mask", "transforms.mask.type": "x.Mask"}, "transforms.mask.type", connector.Unsupported},
		{map[string]string{"value.converter": "io.confluent.connect.avro.AvroConverter"}, "value.converter", connector.Unsupported},
		{map[string]string{"value.converter": json}, "value.converter.schemas.enable", connector.Unsupported},
		{map[string]string{"value.converter": json, "value.converter.schemas.enable": "true"}, "value.converter.schemas.enable", connector.Unsupported},
		{map[string]string{"value.converter": json, "value.converter.schemas.enable": "false", "value.converter.decimal.format": "NUMERIC"}, "value.converter.decimal.format", connector.Unsupported},
		{map[string]string{"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter"}, "key.converter", connector.Unsupported},
		{map[string]string{"header.converter": json}, "header.converter", connector.Unsupported},
		{map[string]string{"value.converter": "-"}, "value.converter", connector.Look},
		{map[string]string{"table.include.list": "-"}, "table.include.list", connector.Unsupported},
		{map[string]string{"table.include.list": "public.outbox,public.other"}, "table.include.list", connector.Unsupported},
		{map[string]string{"table.include.list": "public.outbox.*"}, "table.include.list", connector.Unsupported},
		{map[string]string{"plugin.name": "-"}, "plugin.name", connector.Look},
		{map[string]string{"plugin.name": "decoderbufs"}, "plugin.name", connector.Look},
		{map[string]string{"slot.drop.on.stop": "true"}, "slot.drop.on.stop", connector.Look},
		{map[string]string{"decimal.handling.mode": "string"}, "decimal.handling.mode", connector.Unsupported},
		{map[string]string{"time.precision.mode": "connect"}, "time.precision.mode", connector.Unsupported},
		{map[string]string{"column.mask.hash.SHA-256.with.salt.x": secret}, "column.mask.hash.SHA-256.with.salt.x", connector.Unsupported},
		{map[string]string{"producer.override.sasl.jaas.config": secret}, "producer.override.sasl.jaas.config", connector.Unsupported},
		{map[string]string{"database.user": "${file:/run/secrets:" + secret + "}"}, "database.user", connector.Unsupported},
		{map[string]string{"transforms.outbox.table.op.invalid.behavior": "explode"}, "transforms.outbox.table.op.invalid.behavior", connector.Unsupported},
		{map[string]string{"transforms.outbox.table.expand.json.payload": "maybe"}, "transforms.outbox.table.expand.json.payload", connector.Unsupported},
		{map[string]string{"transforms.outbox.no.such.option": secret}, "transforms.outbox.no.such.option", connector.Unsupported},
		{map[string]string{"topic.creation.default.replication.factor": "1"}, "topic.creation.default.replication.factor", connector.Look},
		{map[string]string{"transforms.outbox.table.field.event.type": "kind"}, "transforms.outbox.table.field.event.type", connector.Unneeded},
		{map[string]string{"transforms.outbox.table.field.event.schema.version": "v"}, "transforms.outbox.table.field.event.schema.version", connector.Unneeded},
		{map[string]string{"heartbeat.action.query": "INSERT INTO h " + secret}, "heartbeat.action.query", connector.Unneeded},
	} {
		got := connector.Translate(with(tc.changes), wanted)
		found := slices.ContainsFunc(got.Notes, func(n connector.Note) bool { return n.Option == tc.option && n.Kind == tc.kind })
		if !found {
			t.Errorf("%v: notes are %q, want one of kind %d about %s", tc.changes, got.Notes, tc.kind, tc.option)
		}
		if text := fmt.Sprint(got.Notes); strings.Contains(text, secret) {
			t.Errorf("a secret is shown: %s", text)
		}
		if yaml, err := config.Changed(got.Config); err != nil || strings.Contains(yaml, secret) {
			t.Errorf("%v: %v, or a secret is in\n%s", tc.changes, err, yaml)
		}
		if err := got.Config.Validate(); err != nil {
			t.Errorf("%v: what is left is not valid: %v", tc.changes, err)
		}
	}
}

// TestStandardValuesNeedNoWord: what says what Relay does anyway is carried over by doing it.
func TestStandardValuesNeedNoWord(t *testing.T) {
	got := connector.Translate(with(map[string]string{
		"decimal.handling.mode": "precise", "slot.drop.on.stop": "false", "publication.autocreate.mode": "disabled", "errors.tolerance": "none",
		"transforms.outbox.table.op.invalid.behavior": "warn", "provide.transaction.metadata": "false",
		"header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter",
	}), wanted)
	if diff := cmp.Diff(names(connector.Translate(usual(), wanted).Notes), names(got.Notes)); diff != "" {
		t.Error(diff)
	}
}

// TestNothingIsDroppedInSilence: any option that nobody knows is named, and nothing of any value is shown.
func TestNothingIsDroppedInSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := usual()
		strange := rapid.MapOf(rapid.StringMatching(`(zz|transforms\.outbox\.zz|router\.zz)[a-z.\n"]{0,20}`), rapid.Just(secret)).Draw(t, "strange")
		maps.Copy(o, strange)
		got := connector.Translate(o, wanted)
		for option := range strange {
			if !slices.Contains(names(got.Unsupported()), option) {
				t.Fatalf("nothing is said of %q", option)
			}
		}
		for _, n := range got.Notes {
			if text := n.String(); strings.Contains(text, secret) || strings.Contains(text, "\n") {
				t.Fatalf("note %q", text)
			}
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Shop Outbox": "shop-outbox", "outbox": "outbox", "1st_é": "st", "--": "outbox", strings.Repeat("x", 50): strings.Repeat("x", 40), "a.b_c": "a-b-c",
	} {
		got := connector.Translate(with(map[string]string{"name": name}), connector.Wanted{Brokers: wanted.Brokers})
		if got.Config.Name != want {
			t.Errorf("%q becomes %q, want %q", name, got.Config.Name, want)
		}
		if err := got.Config.Validate(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
