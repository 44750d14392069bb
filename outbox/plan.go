package outbox

import (
	"fmt"
	"slices"
)

// Table is what the stream or the catalogue says of a table.
type Table struct {
	Schema, Name string
	Columns      []Column
}

// Column of a table.
type Column struct {
	Name    string
	TypeOID uint32 // of pg_type; a domain has its own
	TypeMod int32  // pg_attribute.atttypmod, -1 without one; only FormatDebezium looks at it
}

// Row is one inserted row: a value in text form for each column of its table, nil for NULL. The bytes are read during
// the call only.
type Row struct {
	Values [][]byte
}

// Plan is how the rows of one table, as it is now, become records. It is made again when the relation changes.
type Plan struct {
	mapper   *Mapper
	width    int // columns of the table
	source   source
	columns  []planColumn
	debezium *debeziumPlan // instead of source and columns
}

type planColumn struct {
	field field
	index int // in the row
}

// Columns are the table's columns that the configuration needs, sorted.
func (m *Mapper) Columns() []string {
	if m.debezium != nil {
		return m.debezium.columns()
	}
	var names []string
	for _, f := range m.needed() {
		names = append(names, m.fields.column(f))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Plan finds the needed columns in the table, which may come from the stream or from the catalogue. The error is a
// *ColumnError for a column that is missing or of a type that cannot be used.
func (m *Mapper) Plan(t Table) (*Plan, error) {
	p := &Plan{mapper: m, width: len(t.Columns)}
	if m.debezium != nil {
		var err error
		p.debezium, err = m.debezium.plan(t)
		return p, err
	}
	for _, f := range m.needed() {
		column := m.fields.column(f)
		index := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
		why := "is missing"
		if index >= 0 {
			why = p.use(f, t.Columns[index].TypeOID)
		}
		if why != "" {
			return nil, &ColumnError{Table: t.Schema + "." + t.Name, Column: column, Logical: m.fields.name(f), Why: why}
		}
		p.columns = append(p.columns, planColumn{field: f, index: index})
	}
	return p, nil
}

// use prepares for the column type and says what is wrong with it.
func (p *Plan) use(f field, oid uint32) string {
	switch f {
	case fieldPayload:
		p.source.payloadIsBytea = oid == oidBytea
	case fieldPayloadBytes:
		if oid != oidBytea && oid < firstUserOID {
			return "is not bytea"
		}
	case fieldOccurredAt:
		if p.source.readTime = timeReaderFor(oid); p.source.readTime == nil {
			return "is neither timestamptz, timestamp nor bigint (milliseconds)"
		}
	}
	if f == p.mapper.partition {
		switch {
		case oid == oidInt2, oid == oidInt4, oid == oidInt8, oid >= firstUserOID:
		default:
			return "is not an integer and cannot hold a partition number"
		}
	}
	return ""
}

// Map appends the record of one row to the batch, copying what it needs of the row. The error is a *BadEvent when this
// event cannot be published; any other error means that the row does not belong to the plan. On error the batch is
// as it was before.
func (p *Plan) Map(row Row, tx Transaction, index uint32, b *Batch) error {
	if len(row.Values) != p.width {
		return fmt.Errorf("map row: it has %d values, its table has %d columns", len(row.Values), p.width)
	}
	if p.debezium != nil {
		return p.debezium.append(row, tx, index, b)
	}
	clear(p.mapper.values)
	for _, c := range p.columns {
		p.mapper.values[c.field] = row.Values[c.index]
	}
	return p.mapper.append(&p.source, tx, index, b)
}

// needed are the fields that the format and the routing read.
func (m *Mapper) needed() []field {
	need := m.fields.named()
	need = append(need, m.router.reads()...)
	need = append(need, fieldID)
	for _, f := range []field{m.key, m.partition} {
		if f != noField {
			need = append(need, f)
		}
	}
	if m.cfg.Routing.Headers.Type != "" {
		need = append(need, fieldEventType)
	}
	if _, bytesOnly := m.cfg.Columns[fieldPayloadBytes.logicalName()]; !bytesOnly {
		need = append(need, fieldPayload)
	}
	if m.cfg.Format == FormatRelay {
		for f := range fieldPartition {
			need = append(need, f)
		}
	}
	slices.Sort(need)
	return slices.Compact(need)
}
