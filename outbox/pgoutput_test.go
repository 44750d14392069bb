package outbox_test

import (
	"encoding/binary"

	"github.com/outbox-relay/relay/outbox"
)

// decoded is a row, or a WAL message, as the stream brings it.
type decoded struct {
	table   outbox.Table
	values  [][]byte
	prefix  string
	message []byte
	tx      outbox.Transaction
	index   uint32
}

// decodeInserts reads pgoutput messages (protocol version 1, "Logical Replication Message Formats" of the Postgres
// manual) that a real server made. It trusts them: it is for tests, which must not see a row through package
// replication.
func decodeInserts(messages [][]byte) []decoded {
	tables := make(map[uint32]outbox.Table)
	var rows []decoded
	var tx outbox.Transaction
	var index uint32
	for _, m := range messages {
		r := reader{m[1:]}
		switch m[0] {
		case 'B':
			tx = outbox.Transaction{Timeline: 1, CommitLSN: outbox.LSN(r.uint64()), CommitTime: int64(r.uint64()) + 946684800e6, XID: r.uint32()}
			index = 0
		case 'R':
			oid := r.uint32()
			t := outbox.Table{Schema: r.text(), Name: r.text()}
			r.skip(1) // replica identity
			for range r.uint16() {
				r.skip(1) // flags
				t.Columns = append(t.Columns, outbox.Column{Name: r.text(), TypeOID: r.uint32(), TypeMod: int32(r.uint32())})
			}
			tables[oid] = t
		case 'I':
			row := decoded{table: tables[r.uint32()], tx: tx, index: index}
			r.skip(1) // 'N'
			for range r.uint16() {
				row.values = append(row.values, r.value())
			}
			rows = append(rows, row)
			index++
		case 'M':
			r.skip(1 + 8) // flags and LSN
			row := decoded{prefix: r.text(), tx: tx, index: index}
			row.message = r.skip(int(r.uint32()))
			rows = append(rows, row)
			index++
		}
	}
	return rows
}

type reader struct{ rest []byte }

func (r *reader) skip(n int) []byte {
	p := r.rest[:n]
	r.rest = r.rest[n:]
	return p
}

func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.skip(2)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.skip(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.skip(8)) }

func (r *reader) text() string {
	for i, c := range r.rest {
		if c == 0 {
			return string(r.skip(i + 1)[:i])
		}
	}
	panic("a string without end")
}

// value is nil for NULL.
func (r *reader) value() []byte {
	if r.skip(1)[0] == 'n' {
		return nil
	}
	return r.skip(int(r.uint32()))
}
