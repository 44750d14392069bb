package outbox

import (
	"errors"
	"slices"
)

// Debezium are the options of Debezium's outbox event router under their own names, in Relay's spelling:
// table.field.event.id is TableFieldEventID here and outbox.debezium.table_field_event_id in the configuration. Begin
// with DefaultDebezium. What Relay makes of a row is what Debezium 3.6 does, byte for byte, except where that is lossy,
// fails at the event, or prints a Java object; the tests hold the list.
type Debezium struct {
	TableFieldEventID        string // becomes the header id
	TableFieldEventKey       string // NULL in it is a null key
	TableFieldEventPayload   string
	TableFieldEventTimestamp string // timestamp, timestamptz or bigint (milliseconds); "": the time of the commit

	// TableFieldsAdditionalPlacement is a list of column:header|envelope|partition[:alias], separated by commas.
	TableFieldsAdditionalPlacement string
	// TableFieldAdditionalMissing says what becomes of a placed column that the table does not have: error or ignore.
	TableFieldAdditionalMissing string
	// TableExpandJSONPayload puts a payload that is a JSON object or array into the value as JSON instead of as a
	// quoted text. It needs ValueJSON; texts are published as they are anyway.
	TableExpandJSONPayload bool

	RouteByField          string
	RouteTopicRegex       string // must match the whole value; otherwise the value is the topic
	RouteTopicReplacement string // with $1 and ${name} as in Java
	// RouteTombstoneOnEmptyPayload publishes a payload that is NULL, or a text of blanks, as a null value.
	RouteTombstoneOnEmptyPayload bool

	// TracingSpanContextField is a column in the form of java.util.Properties whose entries become headers; a table
	// need not have it.
	TracingSpanContextField string

	Keys   Converter // ConvertString or ConvertJSON
	Values Converter
}

// Converter stands for the converter of Kafka Connect that a connector writes keys or values with.
type Converter string

// The converters.
const (
	ConvertString Converter = "string" // StringConverter: the text; it has no form for an envelope
	ConvertJSON   Converter = "json"   // JsonConverter with schemas.enable=false
	ConvertBytes  Converter = "bytes"  // ByteArrayConverter, BinaryDataConverter: a bytea as it is; an envelope as JSON
)

// DefaultDebezium are the router's own defaults, with StringConverter for key and value.
func DefaultDebezium() Debezium {
	return Debezium{
		TableFieldEventID:           "id",
		TableFieldEventKey:          "aggregateid",
		TableFieldEventPayload:      "payload",
		TableFieldAdditionalMissing: "error",
		RouteByField:                "aggregatetype",
		RouteTopicRegex:             "(?<routedByValue>.*)",
		RouteTopicReplacement:       "outbox.event.${routedByValue}",
		TracingSpanContextField:     "tracingspancontext",
		Keys:                        ConvertString,
		Values:                      ConvertString,
	}
}

// debeziumMapper is the part of a Mapper that FormatDebezium uses.
type debeziumMapper struct {
	options    Debezium
	placements []placement
	route      *regexRoute

	headers []Header // scratch
	text    []byte   // scratch: a key, header or value as it is built
	record  Record   // scratch: what becomes of a row
	scratch scratch  // bytes of that record
}

// newDebeziumMapper compiles the options. The error joins a *ConfigError for each wrong one.
func newDebeziumMapper(o Debezium, topics *topicRules) (*debeziumMapper, error) {
	d := &debeziumMapper{options: o}
	if err := errors.Join(d.compile(topics)...); err != nil {
		return nil, err
	}
	return d, nil
}

// columns are the columns that the table must have.
func (d *debeziumMapper) columns() []string {
	o := d.options
	names := []string{o.TableFieldEventID, o.TableFieldEventPayload, o.RouteByField}
	if o.TableFieldEventKey != "" {
		names = append(names, o.TableFieldEventKey)
	}
	if o.TableFieldEventTimestamp != "" {
		names = append(names, o.TableFieldEventTimestamp)
	}
	if o.TableFieldAdditionalMissing != "ignore" {
		for _, p := range d.placements {
			names = append(names, p.column)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// enveloped says whether values are objects with the payload inside.
func (d *debeziumMapper) enveloped() bool {
	return slices.ContainsFunc(d.placements, func(p placement) bool { return p.where == inEnvelope })
}
