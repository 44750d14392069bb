package outbox

import (
	"bytes"
	"slices"
)

// debeziumPlan is where the columns stand in one table and what form they have.
type debeziumPlan struct {
	mapper *debeziumMapper

	id, key, payload, route debeziumColumn
	timestamp, partition    debeziumColumn
	tracing                 debeziumColumn
	readTime                timeReader
	headers, envelope       []debeziumColumn
}

// debeziumColumn is a column of the table; index is -1 for one that is not used.
type debeziumColumn struct {
	name  string // the table's
	alias []byte // header name; in the envelope the JSON that precedes the value: ,"name":
	index int
	form  connectType
}

func (c debeziumColumn) used() bool { return c.index >= 0 }

// of is the value in a row; nil for NULL, and for a numeric that is no number, which Debezium publishes null for.
func (c debeziumColumn) of(row Row) []byte {
	if c.index < 0 {
		return nil
	}
	text := row.Values[c.index]
	if c.form.isDecimal() && isNoNumber(text) {
		return nil
	}
	return text
}

// debeziumPlanner finds columns; the first problem stays in err.
type debeziumPlanner struct {
	table Table
	err   error
}

// plan finds the columns of the options in the table. The error is a *ColumnError.
func (d *debeziumMapper) plan(t Table) (*debeziumPlan, error) {
	o, f := d.options, debeziumPlanner{table: t}
	p := &debeziumPlan{
		mapper:    d,
		id:        f.find(o.TableFieldEventID, "table_field_event_id"),
		key:       f.optional(o.TableFieldEventKey, "table_field_event_key"),
		payload:   f.find(o.TableFieldEventPayload, "table_field_event_payload"),
		route:     f.find(o.RouteByField, "route_by_field"),
		timestamp: f.optional(o.TableFieldEventTimestamp, "table_field_event_timestamp"),
		tracing:   f.ifThere(o.TracingSpanContextField),
		partition: debeziumColumn{index: -1},
	}
	p.id.alias = []byte("id")
	if o.Keys == ConvertString && p.key.used() {
		f.checkText(p.key, "table_field_event_key")
	}
	f.checkPayload(p, d.enveloped())
	if p.timestamp.used() {
		if p.readTime = timeReaderFor(t.Columns[p.timestamp.index].TypeOID); p.readTime == nil {
			f.fail(p.timestamp.name, "table_field_event_timestamp", "is neither timestamp, timestamptz nor bigint (milliseconds)")
		}
	}
	for _, placed := range d.placements {
		f.place(p, placed, o.TableFieldAdditionalMissing == "ignore")
	}
	return p, f.err
}

// place adds a placed column to the plan.
func (f *debeziumPlanner) place(p *debeziumPlan, placed placement, mayMiss bool) {
	const option = "table_fields_additional_placement"
	c := f.ifThere(placed.column)
	if !c.used() {
		if !mayMiss {
			f.fail(placed.column, option, "is missing")
		}
		return
	}
	switch placed.where {
	case inHeader:
		c.alias = []byte(placed.alias)
		p.headers = append(p.headers, c)
	case inEnvelope:
		c.alias = append(appendQuoted([]byte(","), []byte(placed.alias)), ':')
		p.envelope = append(p.envelope, c)
	case inPartition:
		if c.form.kind != kindInteger {
			f.fail(c.name, option, "is not an integer and cannot hold a partition number")
		}
		p.partition = c
	}
}

// find gives a column that must be there.
func (f *debeziumPlanner) find(name, option string) debeziumColumn {
	c := f.ifThere(name)
	if !c.used() {
		f.fail(name, option, "is missing")
	}
	return c
}

// optional is find unless the option is empty.
func (f *debeziumPlanner) optional(name, option string) debeziumColumn {
	if name == "" {
		return debeziumColumn{index: -1}
	}
	return f.find(name, option)
}

func (f *debeziumPlanner) ifThere(name string) debeziumColumn {
	index := slices.IndexFunc(f.table.Columns, func(c Column) bool { return c.Name == name })
	if index < 0 || name == "" {
		return debeziumColumn{name: name, index: -1}
	}
	form, known := connectTypeOf(f.table.Columns[index])
	if !known {
		f.fail(name, "", "is of a type whose form in Kafka Connect Relay does not know")
	}
	return debeziumColumn{name: name, index: index, form: form}
}

// checkText refuses what Java would print as an object in a key or value. In a header each has a form.
func (f *debeziumPlanner) checkText(c debeziumColumn, option string) {
	switch c.form.kind {
	case kindBytes, kindArray, kindVariableDecimal:
		f.fail(c.name, option, "has no form as text: Kafka Connect would print a Java object")
	}
}

func (f *debeziumPlanner) checkPayload(p *debeziumPlan, enveloped bool) {
	const option = "table_field_event_payload"
	switch p.mapper.options.Values {
	case ConvertString:
		f.checkText(p.payload, option)
	case ConvertBytes:
		if p.payload.form.kind != kindBytes && !enveloped {
			f.fail(p.payload.name, option, "is not bytea and outbox.debezium.values is bytes")
		}
	}
}

func (f *debeziumPlanner) fail(column, logical, why string) {
	if f.err != nil {
		return
	}
	if logical == "" {
		logical = column
	}
	f.err = &ColumnError{Table: f.table.Schema + "." + f.table.Name, Column: column, Logical: logical, Why: why}
}

// append makes a record of a row.
func (p *debeziumPlan) append(row Row, tx Transaction, index uint32, b *Batch) error {
	p.mapper.scratch.reset()
	p.mapper.record = Record{Partition: PartitionByKey, XID: tx.XID, Position: tx.position(index)}
	r := &p.mapper.record
	if bad := p.build(r, row, tx); bad != nil {
		return &BadEvent{
			ID: printable(p.id.of(row)), Position: r.Position, Topic: r.Topic, Key: bytes.Clone(p.key.of(row)),
			Reason: bad.reason, Detail: bad.detail,
		}
	}
	b.Append(r)
	return nil
}

func (p *debeziumPlan) build(r *Record, row Row, tx Transaction) (bad *fault) {
	if p.route.of(row) == nil {
		return faultf(ReasonNull, "column %q is NULL: every event has a topic", p.route.name)
	}
	// The topic comes first: with the key it says which other events must wait for one that is bad.
	if r.Topic, bad = p.mapper.route.topic(p.route.of(row)); bad != nil {
		return bad
	}
	if bad := checkID(p.id.of(row), p.id.name); bad != nil {
		return bad
	}
	if r.Timestamp, bad = p.time(row, tx); bad != nil {
		return bad
	}
	if text := p.partition.of(row); text != nil {
		n, ok := parseDecimal(text, 1<<31-1)
		if !ok {
			return faultf(ReasonBadPartition, "column %q: %q is not a partition number", p.partition.name, printable(text))
		}
		r.Partition = int32(n)
	}
	if r.Key, bad = p.recordKey(row); bad != nil {
		return bad
	}
	if r.Headers, bad = p.recordHeaders(row); bad != nil {
		return bad
	}
	r.ID = r.Headers[0].Value
	r.Value, bad = p.value(row)
	return bad
}

func (p *debeziumPlan) time(row Row, tx Transaction) (int64, *fault) {
	text := p.timestamp.of(row)
	if text == nil {
		return tx.CommitTime / 1000, nil
	}
	ms, err := p.readTime(text)
	if err != nil {
		return 0, faultf(ReasonBadTimestamp, "column %q: %q %s", p.timestamp.name, printable(text), err)
	}
	return ms, nil
}
