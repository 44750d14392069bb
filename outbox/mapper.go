package outbox

import "bytes"

// Mapper turns rows and WAL messages into records. A mapper and its plans are used by one goroutine at a time.
type Mapper struct {
	cfg     Config
	fields  fields
	router  *router
	headers headerWriter
	frame   frame

	key, partition field // noField: a null key, the partitioner's choice

	debezium *debeziumMapper // maps rows in FormatDebezium, nil in any other; WAL messages are mapped as ever

	values  [][]byte // scratch: the event at hand by field, borrowed
	record  Record   // scratch: what becomes of it
	scratch scratch  // bytes of the record that are not in the row as they are
}

// NewMapper checks the configuration and prepares it. The error is that of Config.Validate.
func NewMapper(cfg Config) (*Mapper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Mapper{
		cfg: cfg, fields: fields{columns: cfg.Columns}, headers: newHeaderWriter(cfg.Routing.Headers),
		key: noField, partition: noField,
	}
	topics := newTopicRules(cfg.ReservedTopics)
	topics.always = cfg.Routing.Always
	var err error
	if cfg.Format == FormatDebezium {
		if m.debezium, err = newDebeziumMapper(cfg.Debezium, topics); err != nil || cfg.WALMessages == "" {
			return m, err
		}
	}
	if m.router, err = newRouter(cfg, &m.fields, topics); err != nil {
		return nil, err
	}
	if cfg.Routing.Key != "" {
		m.key = m.fields.resolve(cfg.Routing.Key)
	}
	if cfg.Routing.Partition != "" {
		m.partition = m.fields.resolve(cfg.Routing.Partition)
	}
	m.values = make([][]byte, m.fields.count())
	return m, nil
}

// WantsMessage says whether WAL messages with this prefix are events.
func (m *Mapper) WantsMessage(prefix []byte) bool {
	return m.cfg.WALMessages != "" && string(prefix) == m.cfg.WALMessages
}

// MapMessage appends the record of a WAL message to the batch: one line of JSON, a newline, the payload. Errors are as
// those of Plan.Map.
func (m *Mapper) MapMessage(content []byte, tx Transaction, index uint32, b *Batch) error {
	clear(m.values)
	if bad := m.frame.read(content, m.values); bad != nil {
		return m.badEvent(bad, tx.position(index), "")
	}
	return m.append(&source{}, tx, index, b)
}

// source is in which way the values of an event are read, apart from which column they come from.
type source struct {
	payloadIsBytea bool
	readTime       timeReader // nil: occurred_at is not read
}

// append makes a record of the values at hand and appends it to the batch.
func (m *Mapper) append(src *source, tx Transaction, index uint32, b *Batch) error {
	m.scratch.reset()
	m.record = Record{Partition: PartitionByKey, XID: tx.XID, Position: tx.position(index)}
	if bad := m.build(&m.record, src, tx); bad != nil {
		return m.badEvent(bad, m.record.Position, m.record.Topic)
	}
	b.Append(&m.record)
	return nil
}

// build fills the record with what the row and the scratch memory hold.
func (m *Mapper) build(r *Record, src *source, tx Transaction) (bad *fault) {
	// The topic comes first: with the key it says which other events must wait for one that is bad.
	if r.Topic, bad = m.router.find(m.values[fieldTopic], m.values, &m.fields); bad != nil {
		return bad
	}
	if bad := checkID(m.values[fieldID], m.fields.column(fieldID)); bad != nil {
		return bad
	}
	if r.Timestamp, bad = m.timestamp(src, tx); bad != nil {
		return bad
	}
	if r.Partition, bad = m.explicitPartition(); bad != nil {
		return bad
	}
	if m.key != noField {
		r.Key = m.values[m.key]
	}
	r.ID = m.values[fieldID]
	if r.Headers, bad = m.recordHeaders(r.ID, tx.XID); bad != nil {
		return bad
	}
	r.Value, bad = m.value(src)
	return bad
}

// checkID wants an id by which consumers can tell an event that they had.
func checkID(id []byte, column string) *fault {
	switch {
	case id == nil:
		return faultf(ReasonNull, "column %q is NULL: every event has an id", column)
	case len(id) == 0:
		return faultf(ReasonBadID, "column %q is empty: every event has an id", column)
	}
	return nil
}

func (m *Mapper) timestamp(src *source, tx Transaction) (int64, *fault) {
	text := m.values[fieldOccurredAt]
	if text == nil || src.readTime == nil {
		return tx.CommitTime / 1000, nil
	}
	ms, err := src.readTime(text)
	if err != nil {
		return 0, faultf(ReasonBadTimestamp, "column %q: %q %s", m.fields.column(fieldOccurredAt), printable(text), err)
	}
	return ms, nil
}

func (m *Mapper) explicitPartition() (int32, *fault) {
	if m.partition == noField || m.values[m.partition] == nil {
		return PartitionByKey, nil
	}
	text := m.values[m.partition]
	n, ok := parseDecimal(text, 1<<31-1)
	if !ok {
		return 0, faultf(ReasonBadPartition, "column %q: %q is not a partition number", m.fields.column(m.partition), printable(text))
	}
	return int32(n), nil
}

func (m *Mapper) recordHeaders(id []byte, xid uint32) ([]Header, *fault) {
	var eventType []byte
	if m.headers.typ != nil {
		eventType = m.values[fieldEventType]
	}
	m.headers.begin(&m.scratch, id, eventType, xid)
	if object := m.values[fieldHeaders]; object != nil {
		if bad := m.headers.object(&m.scratch, object); bad != nil {
			return nil, bad
		}
	}
	return m.headers.list, nil
}

// value is the payload: as it was sent, or its bytes if it is bytea; nil for a tombstone.
func (m *Mapper) value(src *source) ([]byte, *fault) {
	text, of := m.values[fieldPayload], fieldPayload
	isBytea := src.payloadIsBytea
	if binary := m.values[fieldPayloadBytes]; binary != nil {
		if text != nil {
			return nil, faultf(ReasonBadPayload, "columns %q and %q are both set", m.fields.column(fieldPayload), m.fields.column(fieldPayloadBytes))
		}
		text, of, isBytea = binary, fieldPayloadBytes, true
	}
	if text == nil {
		return m.tombstone()
	}
	value := text
	if isBytea {
		var ok bool
		if value, ok = m.scratch.bytea(text); !ok {
			return nil, faultf(ReasonBadPayload, "column %q is not bytea in hexadecimal form", m.fields.column(of))
		}
	}
	if len(value) == 0 && m.cfg.Routing.Tombstone == TombstoneEmpty {
		return m.tombstone()
	}
	return value, nil
}

func (m *Mapper) tombstone() ([]byte, *fault) {
	if m.cfg.Routing.Tombstone == TombstoneNever {
		return nil, faultf(ReasonNull, "the payload is NULL and routing.tombstone is never")
	}
	return nil, nil
}

// badEvent says which event is bad, copying what is borrowed.
func (m *Mapper) badEvent(bad *fault, at Position, topic string) *BadEvent {
	e := &BadEvent{ID: printable(m.values[fieldID]), Position: at, Topic: topic, Reason: bad.reason, Detail: bad.detail}
	if m.key != noField {
		e.Key = bytes.Clone(m.values[m.key])
	}
	return e
}
