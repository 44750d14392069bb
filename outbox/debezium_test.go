package outbox

import (
	"errors"
	"strings"
	"testing"
)

func TestRegexRoute(t *testing.T) {
	const name = `(?<routedByValue>.*)`
	tests := []struct{ pattern, replacement, value, want string }{
		{name, `outbox.event.${routedByValue}`, "User", "outbox.event.User"},
		{`[A-Z]+`, `never`, "user_1", "user_1"},
		{`svc_(.*)`, `events.$1.v1`, "svc_user", "events.user.v1"},
		{`svc_(.*)`, `events.$12`, "svc_user", "events.user2"}, // there is no group 12
		{`(a)?b`, `x$1y`, "b", "xy"},
		{`a|ab`, `x`, "ab", "xb"}, // it matches whole, and the first match that is replaced is the shorter one
		{`.*`, `\$0-\x`, "a", ""},
		{`.*`, `$0.copy`, "a", "a.copy"},
		{`a.c`, `lit\.eral`, "abc", "lit.eral"},
	}
	for _, tt := range tests {
		r, err := newRegexRoute(tt.pattern, tt.replacement, newTopicRules(nil))
		if err != nil {
			t.Errorf("%s, %s: %v", tt.pattern, tt.replacement, err)
			continue
		}
		for range 2 { // the second time it is remembered
			got, bad := r.topic([]byte(tt.value))
			if (bad != nil) != (tt.want == "") || bad == nil && got != tt.want {
				t.Errorf("%s, %s: %s goes to %s, %v, want %s", tt.pattern, tt.replacement, tt.value, got, bad, tt.want)
			}
		}
	}
}

func TestDebeziumOptionsAreRefusedByName(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Debezium)
		want   string
	}{
		{"id", func(o *Debezium) { o.TableFieldEventID = "" }, `outbox.debezium.table_field_event_id: "": want`},
		{"missing", func(o *Debezium) { o.TableFieldAdditionalMissing = "warn" }, `outbox.debezium.table_field_additional_missing: "warn": want`},
		{"keys", func(o *Debezium) { o.Keys = ConvertBytes }, `outbox.debezium.keys: "bytes": want`},
		{"values", func(o *Debezium) { o.Values = "avro" }, `outbox.debezium.values: "avro": want`},
		{"placement of one part", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "type" }, `outbox.debezium.table_fields_additional_placement: "type": "type": want`},
		{"placement of four parts", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "a:header:b:c" }, `outbox.debezium.table_fields_additional_placement: `},
		{"placement without column", func(o *Debezium) { o.TableFieldsAdditionalPlacement = ":header" }, `outbox.debezium.table_fields_additional_placement: `},
		{"placement elsewhere", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "type:body" }, `outbox.debezium.table_fields_additional_placement: "type:body": "type:body": "body" is neither`},
		{"forged header", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "type:header:relay-seq" }, `outbox.debezium.table_fields_additional_placement: `},
		{"two of one name", func(o *Debezium) {
			o.TableFieldsAdditionalPlacement = "a:envelope:x,b:envelope:x"
			o.Values = ConvertJSON
		}, `outbox.debezium.table_fields_additional_placement: `},
		{"the name of the payload", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "a:envelope:payload"; o.Values = ConvertJSON }, `outbox.debezium.table_fields_additional_placement: `},
		{"two partitions", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "a:partition,b:partition:c" }, `outbox.debezium.table_fields_additional_placement: `},
		{"envelope as text", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "type:envelope" }, `outbox.debezium.values: "string": an envelope`},
		{"regex", func(o *Debezium) { o.RouteTopicRegex = "(" }, `outbox.debezium.route_topic_regex: "(": error parsing`},
		{"regex of Java", func(o *Debezium) { o.RouteTopicRegex = "(?=a)" }, `outbox.debezium.route_topic_regex: "(?=a)": error parsing`},
		{"regex with an open quote", func(o *Debezium) { o.RouteTopicRegex = `\Qa` }, `outbox.debezium.route_topic_regex: `},
		{"unknown group", func(o *Debezium) { o.RouteTopicReplacement = "${x}" }, `outbox.debezium.route_topic_replacement: "${x}": the pattern has no group`},
		{"group number", func(o *Debezium) { o.RouteTopicReplacement = "$2" }, `outbox.debezium.route_topic_replacement: "$2": `},
		{"dollar at the end", func(o *Debezium) { o.RouteTopicReplacement = "a$" }, `outbox.debezium.route_topic_replacement: "a$": `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Defaults()
			cfg.Format = FormatDebezium
			tt.change(&cfg.Debezium)
			err := cfg.Validate()
			if _, ok := errors.AsType[*ConfigError](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error is %v, want %s", err, tt.want)
			}
		})
	}
}

func debeziumTable(extra ...Column) Table {
	return Table{Schema: "public", Name: "outbox", Columns: append([]Column{
		{"id", 2950, -1}, {"aggregatetype", 1043, 259}, {"aggregateid", 1043, 259}, {"type", 1043, 259}, {"payload", 3802, -1},
	}, extra...)}
}

func debeziumRow(t testing.TB, table Table, extra map[string]string) Row {
	values := map[string]string{"id": testID, "aggregatetype": "User", "aggregateid": "10711fa5", "type": "UserCreated", "payload": `{"a": 1}`}
	for name, v := range extra {
		if values[name] = v; v == "-" {
			delete(values, name)
		}
	}
	return rowOf(t, table, values)
}

func TestDebeziumTracingBecomesHeaders(t *testing.T) {
	m := newMapper(t, func(c *Config) {
		c.Format = FormatDebezium
		c.Debezium.TableFieldsAdditionalPlacement = "type:header:eventType"
	})
	table := debeziumTable(Column{"tracingspancontext", 1043, 260})
	plan := newPlan(t, m, table)
	row := debeziumRow(t, table, map[string]string{"tracingspancontext": "#x\ntraceparent=00-0af7-01\n  trace\\ state : a\\u0062\\\n   c\n\nempty"})
	wantDiff(t, show(mapOne(t, plan, row)).Headers, []string{"id=" + testID, "eventType=UserCreated", "traceparent=00-0af7-01", "trace state=abc", "empty="})

	for text, reason := range map[string]Reason{
		"relay-seq=x": ReasonForgedHeader, "id=x": ReasonForgedHeader, "eventType=x": ReasonForgedHeader, `a=\u00`: ReasonBadHeaders,
	} {
		row := debeziumRow(t, table, map[string]string{"tracingspancontext": text})
		wantBad(t, reason, func(b *Batch) error { return plan.Map(row, testTx, 0, b) })
	}
}

func TestDebeziumRefusesRows(t *testing.T) {
	m := newMapper(t, func(c *Config) {
		c.Format = FormatDebezium
		c.Debezium.TableFieldsAdditionalPlacement = "p:partition,at:header,d:header"
		c.Debezium.TableFieldEventTimestamp = "at"
	})
	table := debeziumTable(Column{"p", oidInt4, -1}, Column{"at", oidTimestamptz, -1}, Column{"d", 1082, -1})
	plan := newPlan(t, m, table)
	for _, tt := range []struct {
		column, value string
		reason        Reason
	}{
		{"id", "-", ReasonNull},
		{"id", "", ReasonBadID},
		{"aggregatetype", "-", ReasonNull},
		{"aggregatetype", "a b", ReasonBadTopic},
		{"aggregatetype", strings.Repeat("x", 250), ReasonBadTopic},
		{"p", "-1", ReasonBadPartition},
		{"at", "infinity", ReasonBadTimestamp},
		{"at", "1969-12-31 00:00:00+00", ReasonBadTimestamp},
	} {
		row := debeziumRow(t, table, map[string]string{tt.column: tt.value})
		bad := wantBad(t, tt.reason, func(b *Batch) error { return plan.Map(row, testTx, 0, b) })
		if string(bad.Key) != "10711fa5" || strings.Contains(bad.Error(), `{"a"`) {
			t.Errorf("%s = %s: %+v", tt.column, tt.value, bad)
		}
	}
	forbidden := newMapper(t, func(c *Config) {
		c.Format = FormatDebezium
		c.Debezium.RouteTopicReplacement = "relay.checkpoints.${routedByValue}"
	})
	row := debeziumRow(t, debeziumTable(), nil)
	wantBad(t, ReasonForbiddenTopic, func(b *Batch) error {
		return newPlan(t, forbidden, debeziumTable()).Map(row, testTx, 0, b)
	})
}

func TestDebeziumPlanNamesTheColumn(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Debezium)
		table  Table
		want   string
	}{
		{"no column", func(o *Debezium) { o.RouteByField = "dest" }, debeziumTable(), `table public.outbox: column "dest" (route_by_field) is missing`},
		{"bytea key", func(o *Debezium) { o.TableFieldEventKey = "k" }, debeziumTable(Column{"k", oidBytea, -1}), `table public.outbox: column "k" (table_field_event_key) has no form as text: Kafka Connect would print a Java object`},
		{"bytea payload", func(o *Debezium) { o.TableFieldEventPayload = "k" }, debeziumTable(Column{"k", oidBytea, -1}), `table public.outbox: column "k" (table_field_event_payload) has no form as text: Kafka Connect would print a Java object`},
		{"payload that is no bytea", func(o *Debezium) { o.Values = ConvertBytes }, debeziumTable(), `table public.outbox: column "payload" (table_field_event_payload) is not bytea and outbox.debezium.values is bytes`},
		{"numeric key", func(o *Debezium) { o.TableFieldEventKey = "n" }, debeziumTable(Column{"n", 1700, -1}), `table public.outbox: column "n" (table_field_event_key) has no form as text: Kafka Connect would print a Java object`},
		{"time of text", func(o *Debezium) { o.TableFieldEventTimestamp = "type" }, debeziumTable(), `table public.outbox: column "type" (table_field_event_timestamp) is neither timestamp, timestamptz nor bigint (milliseconds)`},
		{"placed point", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "i:header" }, debeziumTable(Column{"i", 600, -1}), `table public.outbox: column "i" is of a type whose form in Kafka Connect Relay does not know`},
		{"partition of text", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "type:partition" }, debeziumTable(), `table public.outbox: column "type" (table_fields_additional_placement) is not an integer and cannot hold a partition number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMapper(t, func(c *Config) { c.Format = FormatDebezium; tt.change(&c.Debezium) })
			_, err := m.Plan(tt.table)
			if _, ok := errors.AsType[*ColumnError](err); !ok || err.Error() != tt.want {
				t.Errorf("error is %v, want a ColumnError %q", err, tt.want)
			}
		})
	}
}
