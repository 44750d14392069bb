package relay

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// parkedRow is a row that could not be mapped as it lies in the parked topic: everything that mapping it again needs, for
// the configuration may be another one by then.
type parkedRow struct {
	Schema  string         `json:"schema"`
	Table   string         `json:"table"`
	Columns []parkedColumn `json:"columns"`
}

// parkedColumn is one value of the row, as text where it is UTF-8; neither for NULL.
type parkedColumn struct {
	Name    string  `json:"name"`
	TypeOID uint32  `json:"type_oid"`
	TypeMod int32   `json:"typmod"`
	Text    *string `json:"text,omitempty"`
	Bytes   []byte  `json:"bytes,omitempty"`
}

func encodeRow(m *replication.Message) ([]byte, error) {
	row := parkedRow{Schema: m.Relation.Namespace, Table: m.Relation.Name}
	for i, c := range m.Relation.Columns {
		column := parkedColumn{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod}
		switch v := m.Values[i]; {
		case v == nil:
		case utf8.Valid(v):
			text := string(v)
			column.Text = &text
		default:
			column.Bytes = v
		}
		row.Columns = append(row.Columns, column)
	}
	value, err := json.Marshal(row)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w", err)
	}
	return value, nil
}

// decodeRow gives the table and the row as the mapping takes them.
func decodeRow(value []byte) (outbox.Table, outbox.Row, error) {
	var parked parkedRow
	if err := json.Unmarshal(value, &parked); err != nil {
		return outbox.Table{}, outbox.Row{}, fmt.Errorf("decode parked row: %w", err)
	}
	table, row := outbox.Table{Schema: parked.Schema, Name: parked.Table}, outbox.Row{}
	for _, c := range parked.Columns {
		table.Columns = append(table.Columns, outbox.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
		v := c.Bytes
		if c.Text != nil {
			v = []byte(*c.Text)
		}
		row.Values = append(row.Values, v)
	}
	return table, row, nil
}
