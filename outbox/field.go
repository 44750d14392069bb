package outbox

import "slices"

// field is an index into the values of an event: the logical fields first, then the other columns that routing names.
type field int

const (
	fieldID field = iota
	fieldAggregateType
	fieldAggregateID
	fieldEventType
	fieldPayload
	fieldPayloadBytes
	fieldHeaders
	fieldTopic
	fieldOccurredAt
	fieldPartition
	logicalFields

	noField field = -1
)

func (f field) logicalName() string {
	return [logicalFields]string{
		"id", "aggregate_type", "aggregate_id", "event_type", "payload", "payload_bytes",
		"headers", "topic", "occurred_at", "partition",
	}[f]
}

// logicalField is the field of that name, or noField.
func logicalField(name string) field {
	for f := range logicalFields {
		if f.logicalName() == name {
			return f
		}
	}
	return noField
}

// fields resolves the names in a configuration to fields.
type fields struct {
	columns map[string]string // as Config.Columns
	extras  []string          // columns beyond the logical ones, from field logicalFields on
}

// resolve gives the field of a name: a logical one, else the table's own column.
func (f *fields) resolve(name string) field {
	if logical := logicalField(name); logical != noField {
		return logical
	}
	if i := slices.Index(f.extras, name); i >= 0 {
		return logicalFields + field(i)
	}
	f.extras = append(f.extras, name)
	return logicalFields + field(len(f.extras)-1)
}

// name of a field as the configuration calls it.
func (f *fields) name(of field) string {
	if of < logicalFields {
		return of.logicalName()
	}
	return f.extras[of-logicalFields]
}

// column is the table's column that a field is read from.
func (f *fields) column(of field) string {
	name := f.name(of)
	if mapped, ok := f.columns[name]; ok && of < logicalFields {
		return mapped
	}
	return name
}

func (f *fields) count() int { return int(logicalFields) + len(f.extras) }

// named are the logical fields that the configuration gives a column of their own.
func (f *fields) named() []field {
	var named []field
	for of := range logicalFields {
		if _, ok := f.columns[of.logicalName()]; ok {
			named = append(named, of)
		}
	}
	return named
}
