package check

import (
	"cmp"
	"strings"
)

// outbox compares with 0001_outbox.sql.
func (c *comparison) outbox() error {
	name := cmp.Or(c.opts.Schema, "outbox")
	live, err := c.catalog.schema(name)
	if err != nil {
		return err
	}
	c.schema = live.Quoted
	if !c.schemaExists(live) {
		return nil
	}
	event := outboxTable(c.schema)
	for _, d := range outboxDomains() {
		c.domain(live, d, event)
	}
	for _, f := range outboxFunctions() {
		c.function(live, f)
	}
	there := c.table(live, event)
	for i, day := range weekdays() {
		c.partition(live, event.name, "event_"+day, i+1)
	}
	if err := c.publication(name, event.name, there); err != nil {
		return err
	}
	return c.outboxGrants(name)
}

func weekdays() []string { return strings.Fields("mon tue wed thu fri sat sun") }

// outboxDomains are the rules of names, with their checks as Postgres prints them.
func outboxDomains() []domain {
	return []domain{
		{Name: "aggregate_type", Base: "text", Collation: "C", NotNull: true, Constraints: []constraint{{
			"aggregate_type_1_to_200_letters_digits_dot_underscore_hyphen",
			`CHECK (((VALUE ~ '^[a-zA-Z0-9._-]+$'::text) AND (octet_length(VALUE) <= 200) AND (VALUE !~ '^(__|\.\.?$)'::text)))`,
		}}},
		{Name: "aggregate_id", Base: "text", Collation: "C", NotNull: true, Constraints: []constraint{{
			"aggregate_id_1_to_1024_bytes",
			`CHECK (((octet_length(VALUE) >= 1) AND (octet_length(VALUE) <= 1024)))`,
		}}},
		{Name: "event_type", Base: "text", Collation: "C", NotNull: true, Constraints: []constraint{{
			"event_type_1_to_255_bytes_no_control_characters",
			`CHECK ((((octet_length(VALUE) >= 1) AND (octet_length(VALUE) <= 255)) AND (VALUE !~ '[\x01-\x1f\x7f]'::text)))`,
		}}},
		{Name: "topic", Base: "text", Collation: "C", Constraints: []constraint{{
			"topic_1_to_249_letters_digits_dot_underscore_hyphen_unreserved",
			`CHECK (((VALUE ~ '^[a-zA-Z0-9._-]+$'::text) AND (octet_length(VALUE) <= 249) AND (VALUE !~ '^(__|\.\.?$|relay\.(checkpoints|parked)(\.|$))'::text)))`,
		}}},
	}
}

func outboxFunctions() []function {
	return []function{
		{Name: "can_be_published", Result: "boolean", Arguments: "id uuid, payload json, payload_bytes bytea, headers jsonb, occurred_at timestamp with time zone"},
		{Name: "uuid_v7", Result: "uuid"},
		{
			Name: "emit", Result: "uuid",
			Arguments: "aggregate_type text, aggregate_id text, event_type text, payload json DEFAULT NULL::json, headers jsonb DEFAULT NULL::jsonb, " +
				"topic text DEFAULT NULL::text, payload_bytes bytea DEFAULT NULL::bytea, aggregate_version bigint DEFAULT NULL::bigint, " +
				"occurred_at timestamp with time zone DEFAULT NULL::timestamp with time zone, id uuid DEFAULT NULL::uuid",
		},
	}
}

// outboxTable is the table; s is the schema as SQL names it.
func outboxTable(s string) neededTable {
	return neededTable{
		name: "event",
		key:  "LIST (weekday)",
		columns: []neededColumn{
			{name: "id", typ: "uuid", defaults: []string{s + ".uuid_v7()"}},
			{name: "aggregate_type", typ: s + ".aggregate_type"},
			{name: "aggregate_id", typ: s + ".aggregate_id"},
			{name: "event_type", typ: s + ".event_type"},
			{name: "payload", typ: "json"},
			{name: "payload_bytes", typ: "bytea"},
			{name: "headers", typ: "jsonb"},
			{name: "topic", typ: s + ".topic"},
			{name: "aggregate_version", typ: "bigint"},
			{name: "occurred_at", typ: "timestamp with time zone"},
			{name: "created_at", typ: "timestamp with time zone", notNull: true, defaults: []string{"now()"}},
			{name: "weekday", typ: "smallint", notNull: true, defaults: []string{
				"EXTRACT(isodow FROM (now() AT TIME ZONE 'UTC'::text))",
				"date_part('isodow'::text, timezone('UTC'::text, now()))", // 13
			}},
		},
		checks: []constraint{{
			"event_can_be_published",
			"CHECK (" + s + ".can_be_published(id, payload, payload_bytes, headers, occurred_at))",
		}},
	}
}
