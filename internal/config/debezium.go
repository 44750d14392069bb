package config

import (
	"fmt"

	"github.com/outbox-relay/relay/outbox"
)

// Debezium are the options of Debezium's outbox event router: table.field.event.id is table_field_event_id here. They
// count with outbox.format: debezium only. Keys and Values stand for the connector's converters.
type Debezium struct {
	// TableFieldEventID is the column that becomes the header id.
	TableFieldEventID string `yaml:"table_field_event_id"`
	// TableFieldEventKey is the column of the record key; empty for null keys.
	TableFieldEventKey string `yaml:"table_field_event_key"`
	// TableFieldEventPayload is the column of the record value.
	TableFieldEventPayload string `yaml:"table_field_event_payload"`
	// TableFieldEventTimestamp is the column of the record's time: timestamp, timestamptz or bigint (milliseconds);
	// empty for the time of the commit.
	TableFieldEventTimestamp string `yaml:"table_field_event_timestamp"`
	// TableFieldsAdditionalPlacement is a list of column:header|envelope|partition[:alias], with commas between.
	TableFieldsAdditionalPlacement string `yaml:"table_fields_additional_placement"`
	// TableFieldAdditionalMissing says what a placed column is that the table does not have: error or ignore.
	TableFieldAdditionalMissing string `yaml:"table_field_additional_missing"`
	// TableExpandJSONPayload publishes a JSON payload as JSON instead of as a quoted text; needs values: json.
	TableExpandJSONPayload bool `yaml:"table_expand_json_payload"`
	// RouteByField is the column that the topic is made of.
	RouteByField string `yaml:"route_by_field"`
	// RouteTopicRegex must match the whole value; a value that it does not match is the topic itself.
	RouteTopicRegex string `yaml:"route_topic_regex"`
	// RouteTopicReplacement is the topic, with $1 and ${name} for groups of the expression.
	RouteTopicReplacement string `yaml:"route_topic_replacement"`
	// RouteTombstoneOnEmptyPayload publishes a payload that is NULL or a blank text as a null value.
	RouteTombstoneOnEmptyPayload bool `yaml:"route_tombstone_on_empty_payload"`
	// TracingSpanContextField is a column of java.util.Properties whose entries become headers; it may be missing.
	TracingSpanContextField string `yaml:"tracing_span_context_field"`
	// Keys is the key converter: string or json.
	Keys string `yaml:"keys"`
	// Values is the value converter: string, json or bytes.
	Values string `yaml:"values"`
}

// defaultDebezium are the router's own defaults, as package outbox has them.
func defaultDebezium() Debezium {
	d := outbox.DefaultDebezium()
	return Debezium{
		TableFieldEventID:              d.TableFieldEventID,
		TableFieldEventKey:             d.TableFieldEventKey,
		TableFieldEventPayload:         d.TableFieldEventPayload,
		TableFieldEventTimestamp:       d.TableFieldEventTimestamp,
		TableFieldsAdditionalPlacement: d.TableFieldsAdditionalPlacement,
		TableFieldAdditionalMissing:    d.TableFieldAdditionalMissing,
		TableExpandJSONPayload:         d.TableExpandJSONPayload,
		RouteByField:                   d.RouteByField,
		RouteTopicRegex:                d.RouteTopicRegex,
		RouteTopicReplacement:          d.RouteTopicReplacement,
		RouteTombstoneOnEmptyPayload:   d.RouteTombstoneOnEmptyPayload,
		TracingSpanContextField:        d.TracingSpanContextField,
		Keys:                           string(d.Keys),
		Values:                         string(d.Values),
	}
}

func (d Debezium) mapping() outbox.Debezium {
	return outbox.Debezium{
		TableFieldEventID:              d.TableFieldEventID,
		TableFieldEventKey:             d.TableFieldEventKey,
		TableFieldEventPayload:         d.TableFieldEventPayload,
		TableFieldEventTimestamp:       d.TableFieldEventTimestamp,
		TableFieldsAdditionalPlacement: d.TableFieldsAdditionalPlacement,
		TableFieldAdditionalMissing:    d.TableFieldAdditionalMissing,
		TableExpandJSONPayload:         d.TableExpandJSONPayload,
		RouteByField:                   d.RouteByField,
		RouteTopicRegex:                d.RouteTopicRegex,
		RouteTopicReplacement:          d.RouteTopicReplacement,
		RouteTombstoneOnEmptyPayload:   d.RouteTombstoneOnEmptyPayload,
		TracingSpanContextField:        d.TracingSpanContextField,
		Keys:                           outbox.Converter(d.Keys),
		Values:                         outbox.Converter(d.Values),
	}
}

// checkDebezium reports keys that were set and would have no effect: those of the router with another format, those of
// the routing with this one.
func (c Config) checkDebezium(k *checker) {
	if c.Outbox.Format != string(outbox.FormatDebezium) {
		k.without("outbox.debezium", &c, "has an effect with outbox.format: debezium only")
		return
	}
	if c.Routing.Partitioner == "column" {
		k.addf("routing.partitioner", "%q has no effect with outbox.format: debezium; place a column with :partition in outbox.debezium.table_fields_additional_placement",
			c.Routing.Partitioner)
	}
	if c.Outbox.WALMessages == "" { // which are routed as ever
		for _, key := range []string{"routing.topic", "routing.rules", "routing.key", "routing.headers", "routing.tombstone"} {
			k.without(key, &c, "has no effect with outbox.format: debezium; the keys under outbox.debezium say it")
		}
	}
	if c.Outbox.Table == "" {
		k.addf("outbox.table", "is empty, and outbox.format is debezium; write the table of the connector's table.include.list, as in public.outbox")
	}
}

// without reports the keys at or below path that are not as in an empty file.
func (k *checker) without(path string, c *Config, why string) {
	standard := Default()
	other := index(fields(&standard))
	for _, f := range fields(c) {
		if (f.path == path || isBelow(f.path, path)) && fmt.Sprint(f.value()) != fmt.Sprint(other[f.path].value()) {
			k.addf(f.path, "%s", why)
		}
	}
}
