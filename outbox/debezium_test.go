package outbox

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The expectations of the first two tests were printed by Java.
func TestJavaDouble(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.0", "-0": "-0.0", "1": "1.0", "-1.5": "-1.5", "100": "100.0", "0.1": "0.1", "0.001": "0.001", "0.00123": "0.00123",
		"0.0001": "1.0E-4", "1e-05": "1.0E-5", "9999999": "9999999.0", "10000000": "1.0E7", "12345678.9": "1.23456789E7",
		"1234567.125": "1234567.125", "1e+20": "1.0E20", "1.7976931348623157e+308": "1.7976931348623157E308",
		"123456789012345": "1.23456789012345E14", "-2.5e-10": "-2.5E-10", "4.9e-324": "4.9E-324",
		"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity",
	} {
		if got, err := appendJavaDouble(nil, []byte(text)); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v, Java prints %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1e", "1ex", "-", ".5", "1,5"} {
		if got, err := appendJavaDouble(nil, []byte(text)); err == nil {
			t.Errorf("%q becomes %s", text, got)
		}
	}
}

func TestBigDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "0.00": "0.00", "12.50": "12.50", "-12.50": "-12.50", "0.000001": "0.000001", "0.0000001": "1E-7",
		"-0.00000012": "-1.2E-7", "0.000000": "0.000000", "0.0000000": "0E-7", "0.00000100": "0.00000100",
		"123456789012345678901234567890.12": "123456789012345678901234567890.12",
	} {
		if got, err := appendBigDecimal(nil, []byte(text)); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v, Java prints %s", text, got, err, want)
		}
	}
	for _, text := range []string{"NaN", "Infinity", "-Infinity", "", "1e5"} {
		if got, err := appendBigDecimal(nil, []byte(text)); err == nil {
			t.Errorf("%q becomes %s", text, got)
		}
	}
}

// The number whose two's complement is written is the number that was read, and no byte could be left out.
func TestTwosComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := new(big.Int).SetString(rapid.StringMatching(`-?[0-9]{1,40}`).Draw(t, "n"), 10)
		raw := twosComplement(n)
		back := new(big.Int).SetBytes(raw)
		if raw[0]&0x80 != 0 {
			back.Sub(back, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
		if back.Cmp(n) != 0 {
			t.Fatalf("%s is written as %x, which is %s", n, raw, back)
		}
		if len(raw) > 1 && (raw[0] == 0 && raw[1]&0x80 == 0 || raw[0] == 0xFF && raw[1]&0x80 != 0) {
			t.Fatalf("%s is written as %x, whose first byte says nothing", n, raw)
		}
	})
}

func TestConnectForms(t *testing.T) {
	typ := func(oid uint32, mod int32) connectType {
		form, ok := connectTypeOf(Column{TypeOID: oid, TypeMod: mod})
		if !ok {
			t.Fatalf("type %d is not known", oid)
		}
		return form
	}
	numeric := func(precision, scale int32) int32 { return precision<<16 | scale + 4 }
	tests := []struct {
		name       string
		form       connectType
		text       string
		want, json string // "": no form
	}{
		{"text", typ(25, -1), "a\"b\\\x01\x1f\b\t\n\f\r/é😀", "a\"b\\\x01\x1f\b\t\n\f\r/é😀", `"a\"b\\\u0001\u001F\b\t\n\f\r/é😀"`},
		{"enum", typ(firstUserOID, -1), "Placed", "Placed", `"Placed"`},
		{"bool", typ(16, -1), "f", "false", "false"},
		{"bigint", typ(oidInt8, -1), "9007199254740993", "9007199254740993", "9007199254740993"},
		{"float", typ(701, -1), "3", "3.0", "3.0"},
		{"not a number", typ(701, -1), "NaN", "NaN", `"NaN"`},
		{"infinity", typ(700, -1), "-Infinity", "-Infinity", `"-Infinity"`},
		{"numeric(10,2)", typ(1700, numeric(10, 2)), "12.50", "12.50", `"BOI="`},
		{"negative numeric", typ(1700, numeric(10, 2)), "-1.28", "-1.28", `"gA=="`},
		{"numeric", typ(1700, -1), "12.50", "", `{"scale":2,"value":"BOI="}`},
		{"numeric without fraction", typ(1700, -1), "0", "", `{"scale":0,"value":"AA=="}`},
		{"numeric NaN", typ(1700, numeric(10, 2)), "NaN", "", ""},
		{"date", typ(1082, -1), "2020-02-29", "18321", "18321"},
		{"infinite date", typ(1082, -1), "infinity", "", ""},
		{"time", typ(1083, -1), "10:00:00.5", "36000500000", "36000500000"},
		{"time(3)", typ(1083, 3), "10:00:00.5", "36000500", "36000500"},
		{"timestamp", typ(oidTimestamp, -1), "2020-02-29 12:00:00.123456", "1582977600123456", "1582977600123456"},
		{"timestamp(3)", typ(oidTimestamp, 3), "2020-02-29 12:00:00.123", "1582977600123", "1582977600123"},
		{"timestamp before 1970", typ(oidTimestamp, -1), "1969-12-31 23:59:59", "-1000000", "-1000000"},
		{"timestamptz", typ(oidTimestamptz, -1), "2020-02-29 12:00:00+02", "2020-02-29T10:00:00.000000Z", `"2020-02-29T10:00:00.000000Z"`},
		{"timestamptz(2)", typ(oidTimestamptz, 2), "2020-02-29 10:00:00.12+00", "2020-02-29T10:00:00.12Z", `"2020-02-29T10:00:00.12Z"`},
		{"timestamptz(0)", typ(oidTimestamptz, 0), "2020-02-29 10:00:00+00", "2020-02-29T10:00:00Z", `"2020-02-29T10:00:00Z"`},
		{"timestamptz long ago", typ(oidTimestamptz, 0), "0001-01-01 00:00:01+00 BC", "0000-01-01T00:00:01Z", `"0000-01-01T00:00:01Z"`},
		{"timestamptz far ahead", typ(oidTimestamptz, 0), "12020-01-01 00:00:00+00", "+12020-01-01T00:00:00Z", `"+12020-01-01T00:00:00Z"`},
		{"timestamptz infinity", typ(oidTimestamptz, -1), "infinity", "infinity", `"infinity"`},
		{"bytea", typ(oidBytea, -1), `\x00ff`, "AP8=", `"AP8="`},
		{"bytea in escape form", typ(oidBytea, -1), `a`, "", ""},
		{"text[]", typ(1009, -1), `{a,"b \"c\\",NULL,"NULL",""}`, `["a","b \"c\\",null,"NULL",""]`, `["a","b \"c\\",null,"NULL",""]`},
		{"empty array", typ(1009, -1), `{}`, `[]`, `[]`},
		{"int[]", typ(1007, -1), `{1,NULL,-3}`, `[1,null,-3]`, `[1,null,-3]`},
		{"bool[]", typ(1000, -1), `{t,f}`, `[true,false]`, `[true,false]`},
		{"array of arrays", typ(1007, -1), `{{1},{2}}`, "", ""},
		{"array with bounds", typ(1007, -1), `[2:3]={1,2}`, "", ""},
		{"array cut", typ(1009, -1), `{"a`, "", ""},
	}
	for _, tt := range tests {
		text, err := tt.form.appendText([]byte("x"), []byte(tt.text))
		if got := string(text); (err == nil) != (tt.want != "") || err == nil && got != "x"+tt.want {
			t.Errorf("%s: %q becomes %q as text, %v, want %q", tt.name, tt.text, got, err, tt.want)
		}
		text, err = tt.form.appendJSON([]byte("x"), []byte(tt.text))
		if got := string(text); (err == nil) != (tt.json != "") || err == nil && got != "x"+tt.json {
			t.Errorf("%s: %q becomes %q as JSON, %v, want %q", tt.name, tt.text, got, err, tt.json)
		}
	}
	for _, c := range []Column{{TypeOID: 1186}, {TypeOID: 600}, {TypeOID: 790}, {TypeOID: 1266}, {TypeOID: 1700, TypeMod: numeric(5, 0x7FF)}} {
		if _, ok := connectTypeOf(c); ok { // interval, point, money, timetz, numeric(5,-1)
			t.Errorf("type %d is taken for one that Relay knows the form of", c.TypeOID)
		}
	}
}

func TestExpandJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`, `[]`: `[]`, "{ \"a\" : [1 , 2.50,\n1e400], \"b\":null}": `{"a":[1,2.50,1e400],"b":null}`,
		`{"a b": " c "}`: `{"a b":" c "}`, `{"a": "\u00e9\/\u0001\""}`: `{"a":"é/\u0001\""}`, `{"a": "\ud800"}`: `{"a":"\ud800"}`,
		`"text"`: "", `1`: "", ` {}`: "", `{`: "", `{} x`: "", ``: "", `{not json`: "",
	} {
		got, ok := appendExpanded([]byte("x"), []byte(text))
		if ok != (want != "") || string(got) != "x"+want {
			t.Errorf("%s becomes %s, %t, want %s", text, got, ok, want)
		}
	}
}

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
		{"aggregatetype", "-", ReasonNull},
		{"aggregatetype", "a b", ReasonBadTopic},
		{"aggregatetype", strings.Repeat("x", 250), ReasonBadTopic},
		{"p", "-1", ReasonBadPartition},
		{"at", "infinity", ReasonBadTimestamp},
		{"at", "1969-12-31 00:00:00+00", ReasonBadTimestamp},
		{"d", "infinity", ReasonBadTimestamp},
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
		{"time of text", func(o *Debezium) { o.TableFieldEventTimestamp = "type" }, debeziumTable(), `table public.outbox: column "type" (table_field_event_timestamp) is neither timestamp, timestamptz nor bigint (milliseconds)`},
		{"placed interval", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "i:header" }, debeziumTable(Column{"i", 1186, -1}), `table public.outbox: column "i" is of a type whose form in Kafka Connect Relay does not know`},
		{"placed numeric", func(o *Debezium) { o.TableFieldsAdditionalPlacement = "n:header" }, debeziumTable(Column{"n", 1700, -1}), `table public.outbox: column "n" (table_fields_additional_placement) is numeric without a precision and has no form in a header`},
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

// The fewest digits that tell a float apart are those that strconv finds as well: the two agree on every number, and
// what is written is the same number.
func TestJavaDoubleIsTheSameNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		text := strconv.FormatFloat(f, 'g', -1, 64)
		got, err := appendJavaDouble(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := strconv.ParseFloat(string(got), 64); err != nil || back != f {
			t.Fatalf("%s becomes %s, which is %v, %v", text, got, back, err)
		}
	})
}
