package outbox

import (
	"errors"
	"slices"
	"testing"
)

func customConfig(c *Config) {
	c.Format = FormatCustom
	c.Columns = map[string]string{
		"id": "event_id", "aggregate_type": "kind", "aggregate_id": "order_id", "event_type": "what",
		"payload": "data", "headers": "meta", "topic": "channel", "occurred_at": "at", "partition": "shard",
	}
}

func customTable() Table {
	return Table{Schema: "shop", Name: "outgoing", Columns: []Column{
		{Name: "event_id", TypeOID: oidInt8},
		{Name: "kind", TypeOID: 25},
		{Name: "order_id", TypeOID: oidInt4},
		{Name: "what", TypeOID: 25},
		{Name: "data", TypeOID: oidBytea},
		{Name: "meta", TypeOID: 114},
		{Name: "channel", TypeOID: 25},
		{Name: "at", TypeOID: oidInt8},
		{Name: "shard", TypeOID: oidInt2},
		{Name: "tenant", TypeOID: 25},
	}}
}

func TestCustomTable(t *testing.T) {
	m := newMapper(t, func(c *Config) {
		customConfig(c)
		c.Routing.Topic = "${tenant}.${aggregate_type}"
		c.Routing.Partition = "partition"
	})
	plan := newPlan(t, m, customTable())
	row := rowOf(t, customTable(), map[string]string{
		"event_id": "17", "kind": "order", "order_id": "42", "what": "Placed", "data": `\xff00`, "meta": `{"a":1}`,
		"at": "1700000000001", "shard": "3", "tenant": "acme",
	})
	wantDiff(t, show(mapOne(t, plan, row)), shown{
		Topic: "acme.order", Key: "42", Value: "\xff\x00", ID: "17",
		Headers:   []string{"id=17", "type=Placed", "relay-tx=918223", "a=1"},
		Timestamp: 1700000000001, Partition: 3, Position: "00000001-00000016B374D848-00000007",
	})
}

func TestCustomTableLeavesUnmappedColumnsAlone(t *testing.T) {
	m := newMapper(t, func(c *Config) { c.Format = FormatCustom })
	row := relayRow(t, map[string]string{"topic": "audit", "headers": `{"a": 1}`, "occurred_at": "infinity"})
	got := show(mapOne(t, newPlan(t, m, relayTable()), row))
	if got.Topic != "payment.events" || len(got.Headers) != 3 || got.Timestamp != 1795507200123 {
		t.Errorf("unmapped columns were used: %+v", got)
	}
}

func TestMapperColumns(t *testing.T) {
	m := newMapper(t, func(c *Config) { customConfig(c); c.Routing.Topic = "${tenant}.${aggregate_type}" })
	want := []string{"at", "channel", "data", "event_id", "kind", "meta", "order_id", "shard", "tenant", "what"}
	if got := m.Columns(); !slices.Equal(got, want) {
		t.Errorf("columns are %v, want %v", got, want)
	}
}

func TestPlanNamesTheColumn(t *testing.T) {
	without := func(table Table, name string) Table {
		table.Columns = slices.DeleteFunc(table.Columns, func(c Column) bool { return c.Name == name })
		return table
	}
	typed := func(table Table, name string, oid uint32) Table {
		for i := range table.Columns {
			if table.Columns[i].Name == name {
				table.Columns[i].TypeOID = oid
			}
		}
		return table
	}
	tests := []struct {
		name   string
		config func(*Config)
		table  Table
		want   string
	}{
		{"missing", nil, without(relayTable(), "headers"), `table outbox.event: column "headers" is missing`},
		{"missing and mapped", customConfig, without(customTable(), "order_id"), `table shop.outgoing: column "order_id" (aggregate_id) is missing`},
		{"missing in a template", func(c *Config) { c.Routing.Topic = "${tenant}" }, relayTable(), `table outbox.event: column "tenant" is missing`},
		{"missing in a rule", func(c *Config) {
			c.Routing.Rules = []Rule{{Match: map[string]string{"tenant": "x"}, Topic: "x"}}
		}, relayTable(), `table outbox.event: column "tenant" is missing`},
		{"missing for the key", func(c *Config) { c.Routing.Key = "tenant" }, relayTable(), `table outbox.event: column "tenant" is missing`},
		{"payload_bytes as text", nil, typed(relayTable(), "payload_bytes", 25), `table outbox.event: column "payload_bytes" is not bytea`},
		{"time as text", nil, typed(relayTable(), "occurred_at", 25), `table outbox.event: column "occurred_at" is neither timestamptz, timestamp nor bigint (milliseconds)`},
		{"partition as text", func(c *Config) {
			c.Columns = map[string]string{"partition": "event_type"}
			c.Routing.Partition = "partition"
		}, typed(relayTable(), "event_type", 25), `table outbox.event: column "event_type" (partition) is not an integer and cannot hold a partition number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newMapper(t, tt.config).Plan(tt.table)
			if _, ok := errors.AsType[*ColumnError](err); !ok || err.Error() != tt.want {
				t.Errorf("error is %v, want a ColumnError %q", err, tt.want)
			}
		})
	}
}
