package replication

import "fmt"

// The bytes that begin a pgoutput message, protocol version 1:
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
const (
	msgBegin    = 'B'
	msgCommit   = 'C'
	msgOrigin   = 'O'
	msgRelation = 'R'
	msgType     = 'Y'
	msgInsert   = 'I'
	msgUpdate   = 'U'
	msgDelete   = 'D'
	msgTruncate = 'T'
	msgLogical  = 'M'
)

// postgresEpoch is 2000-01-01 00:00 UTC in microseconds since the Unix epoch; Postgres counts from there.
const postgresEpoch = 946_684_800_000_000

// decoder turns pgoutput messages into Messages. It is pure but for what it must remember: the relations that the
// server has described.
type decoder struct {
	relations map[uint32]*Relation
	domains   map[uint32]TableColumn // by OID: what they are made of; nil: not told
	last      *Relation              // the relation of the last row: mostly that of the next one
	values    [][]byte
	truncated []*Relation
}

func newDecoder() *decoder {
	return &decoder{relations: make(map[uint32]*Relation)}
}

// decode fills m from one message and tells whether it is one to hand out. m points into raw afterwards. The fields
// that name the transaction are set in Begin and Commit only: the others do not carry them.
func (d *decoder) decode(raw []byte, m *Message) (bool, error) {
	if len(raw) == 0 {
		return false, protocolErrorf(raw, "decode message: it is empty")
	}
	*m = Message{Raw: raw}
	c := cursor{rest: raw[1:len(raw):len(raw)]}
	out := true
	var err error
	switch raw[0] {
	case msgInsert:
		m.Kind, err = Insert, d.insert(&c, m)
	case msgBegin:
		m.Kind = Begin
		decodeBegin(&c, m)
	case msgCommit:
		m.Kind = Commit
		decodeCommit(&c, m)
	case msgLogical:
		m.Kind = LogicalMessage
		err = decodeLogical(&c, m)
	case msgRelation:
		out, err = false, d.relation(&c)
	case msgUpdate:
		m.Kind, err = Update, d.update(&c, m)
	case msgDelete:
		m.Kind, err = Delete, d.delete(&c, m)
	case msgTruncate:
		m.Kind, err = Truncate, d.truncate(&c, m)
	case msgType:
		out = false
		c.uint32() // OID
		c.text()   // namespace
		c.text()   // name
	case msgOrigin:
		out = false
		c.uint64() // commit LSN at the origin
		c.text()   // name
	default:
		return false, protocolErrorf(raw, "decode message: unknown type %q", raw[0])
	}
	return out, finish(raw, &c, err)
}

// finish says what is wrong with a message that was read to its end, if anything.
func finish(raw []byte, c *cursor, err error) error {
	switch {
	case c.short:
		return protocolErrorf(raw, "decode message %q: it is cut", raw[0])
	case err != nil:
		return protocolErrorf(raw, "decode message %q: %v", raw[0], err)
	case len(c.rest) > 0:
		return protocolErrorf(raw, "decode message %q: %d bytes too long", raw[0], len(c.rest))
	}
	return nil
}

func decodeBegin(c *cursor, m *Message) {
	m.CommitLSN = LSN(c.uint64())
	m.CommitTime = int64(c.uint64()) + postgresEpoch
	m.XID = c.uint32()
}

func decodeCommit(c *cursor, m *Message) {
	c.byte() // flags, unused
	m.CommitLSN = LSN(c.uint64())
	m.EndLSN = LSN(c.uint64())
	m.CommitTime = int64(c.uint64()) + postgresEpoch
}

func decodeLogical(c *cursor, m *Message) error {
	flags := c.byte()
	c.uint64() // LSN of the message
	m.Transactional = flags&1 != 0
	m.Prefix = c.text()
	m.Content = c.bytes(c.uint32())
	if flags > 1 {
		return fmt.Errorf("unknown flags %#x", flags)
	}
	return nil
}

func (d *decoder) insert(c *cursor, m *Message) error {
	if err := d.rowOf(c, m); err != nil {
		return err
	}
	if kind := c.byte(); kind != 'N' {
		return fmt.Errorf("tuple of kind %q instead of a new one", kind)
	}
	if err := d.tuple(c, m); err != nil {
		return err
	}
	if m.Unchanged > 0 {
		return fmt.Errorf("an inserted row without %d of its values", m.Unchanged)
	}
	return nil
}

// update keeps the new row; the old one, or its key, is checked and left.
func (d *decoder) update(c *cursor, m *Message) error {
	if err := d.rowOf(c, m); err != nil {
		return err
	}
	kind := c.byte()
	if kind == 'K' || kind == 'O' {
		if err := d.tuple(c, m); err != nil {
			return err
		}
		kind = c.byte()
	}
	if kind != 'N' {
		return fmt.Errorf("tuple of kind %q instead of a new one", kind)
	}
	return d.tuple(c, m)
}

func (d *decoder) delete(c *cursor, m *Message) error {
	if err := d.rowOf(c, m); err != nil {
		return err
	}
	if kind := c.byte(); kind != 'K' && kind != 'O' {
		return fmt.Errorf("tuple of kind %q instead of an old one or its key", kind)
	}
	return d.tuple(c, m)
}

func (d *decoder) truncate(c *cursor, m *Message) error {
	n := c.uint32()
	c.byte() // options: cascade, restart identity
	d.truncated = d.truncated[:0]
	for range n {
		oid := c.uint32()
		if c.short {
			return nil // finish says so; n may be anything
		}
		r := d.relations[oid]
		if r == nil {
			return fmt.Errorf("relation %d was not described", oid)
		}
		d.truncated = append(d.truncated, r)
	}
	m.Relations = d.truncated
	return nil
}

// rowOf reads which relation a row belongs to.
func (d *decoder) rowOf(c *cursor, m *Message) error {
	oid := c.uint32()
	if d.last == nil || d.last.OID != oid {
		r := d.relations[oid]
		if r == nil {
			return fmt.Errorf("relation %d was not described", oid)
		}
		d.last = r
	}
	m.Relation = d.last
	return nil
}

// tuple reads the values of one row into m, over those of an earlier tuple of the same message.
func (d *decoder) tuple(c *cursor, m *Message) error {
	n := int(c.uint16())
	if n != len(m.Relation.Columns) {
		return fmt.Errorf("%d values for the %d columns of relation %d", n, len(m.Relation.Columns), m.Relation.OID)
	}
	values := d.values[:0]
	m.Unchanged = 0
	for range n {
		switch kind := c.byte(); kind {
		case 't':
			values = append(values, c.bytes(c.uint32()))
		case 'n':
			values = append(values, nil)
		case 'u':
			values = append(values, nil)
			m.Unchanged++
		default:
			return fmt.Errorf("value of kind %q", kind)
		}
	}
	d.values, m.Values = values, values
	return nil
}
