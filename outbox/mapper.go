package outbox

import "errors"

// Table is what the stream or the catalogue says of a table.
type Table struct {
	Schema, Name string
	Columns      []Column
}

// Column of a table. TypeOID is the one of pg_type; a domain has its own.
type Column struct {
	Name    string
	TypeOID uint32
}

// Row is one inserted row: a value in text form for each column of its table, nil for NULL. The bytes are read during
// the call only.
type Row struct {
	Values [][]byte
}

// Mapper turns rows and WAL messages into records. A mapper and its plans are used by one goroutine at a time.
type Mapper struct {
	cfg Config
}

// NewMapper checks the configuration and prepares it.
func NewMapper(cfg Config) (*Mapper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Mapper{cfg: cfg}, nil
}

// Plan is how the rows of one table, as it is now, become records. It is made again when the relation changes.
type Plan struct {
	mapper *Mapper
	table  Table
}

// Plan finds the mapped columns in the table. The error is a *ColumnError for a column that is missing or of a type
// that cannot be used; the table's columns may come from the stream or from the catalogue.
func (m *Mapper) Plan(t Table) (*Plan, error) {
	return &Plan{mapper: m, table: t}, nil
}

// Map appends the record of one row to the batch, copying what it needs of the row. The error is a *BadEvent when this
// event cannot be published; any other error means that the row does not belong to the plan. On error the batch is
// as it was before.
func (p *Plan) Map(row Row, tx Transaction, index uint32, b *Batch) error {
	return errors.New("map row: not built yet")
}

// WantsMessage says whether WAL messages with this prefix are events.
func (m *Mapper) WantsMessage(prefix []byte) bool {
	return m.cfg.WALMessages != "" && string(prefix) == m.cfg.WALMessages
}

// MapMessage appends the record of a WAL message to the batch: one line of JSON, a newline, the payload. Errors are as
// those of Plan.Map.
func (m *Mapper) MapMessage(content []byte, tx Transaction, index uint32, b *Batch) error {
	return errors.New("map WAL message: not built yet")
}
