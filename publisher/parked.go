package publisher

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Parked is an event in the parked topic: one that could not be published, or one that waits behind it because it has the
// same topic and key. It holds everything that publishing it later needs.
//
// In Kafka its key is the position, its value and headers are the event's own, so that people see what it is. What else
// there is to know lies in two more headers: relay-parked, a line of JSON, and relay-parked-key, the event's key.
type Parked struct {
	Position outbox.Position
	Kind     ParkedKind
	ID       string          // as far as known
	Topic    string          // as far as known
	Key      []byte          // as far as known; nil: a null key
	Headers  []outbox.Header // of the application and of the configuration, not Relay's own
	Value    []byte          // nil: a tombstone

	Partition  int32 // outbox.PartitionByKey, unless a column named it
	Timestamp  int64 // milliseconds since the Unix epoch
	CommitTime int64 // of the Postgres transaction, microseconds since the Unix epoch
	XID        uint32

	Reason, Detail string
	// Behind is the event that this one waits behind, "" for one that cannot be published itself.
	Behind string
	Time   time.Time // when it was parked

	Relay      string
	Generation int64
	Offset     int64 // in the parked topic, when it was read
}

// ParkedKind says what the value of a parked record is.
type ParkedKind string

// The kinds.
const (
	ParkedRecord  ParkedKind = "record"  // the event's value: it was mapped
	ParkedRow     ParkedKind = "row"     // the row as JSON: it could not be mapped
	ParkedMessage ParkedKind = "message" // the content of a WAL message that could not be mapped
)

// Names of the headers of a parked record, behind those of the event.
const (
	HeaderParked    = "relay-parked"
	HeaderParkedKey = "relay-parked-key"
)

// parkedMeta is what relay-parked holds.
type parkedMeta struct {
	Format     int        `json:"format"`
	Relay      string     `json:"relay"`
	Generation int64      `json:"generation"`
	Kind       ParkedKind `json:"kind"`
	ID         string     `json:"id,omitempty"`
	Topic      string     `json:"topic"`
	Partition  int32      `json:"partition"`
	Tombstone  bool       `json:"tombstone,omitempty"`
	Timestamp  int64      `json:"timestamp"`
	CommitTime int64      `json:"commit_ts"`
	XID        uint32     `json:"xid"`
	Reason     string     `json:"reason"`
	Detail     string     `json:"detail,omitempty"`
	Behind     string     `json:"behind,omitempty"`
	Time       time.Time  `json:"time"`
}

// AppendParked appends the record that parks an event to a batch of own records. Its Position is the event's.
func AppendParked(b *outbox.Batch, topic string, e *Parked) error {
	meta, err := json.Marshal(parkedMeta{
		Format: formatVersion, Relay: e.Relay, Generation: e.Generation, Kind: e.Kind, ID: e.ID, Topic: e.Topic, Partition: e.Partition,
		Tombstone: e.Value == nil, Timestamp: e.Timestamp, CommitTime: e.CommitTime, XID: e.XID,
		Reason: e.Reason, Detail: e.Detail, Behind: e.Behind, Time: e.Time,
	})
	if err != nil {
		return fmt.Errorf("encode parked event: %w", err)
	}
	value := e.Value
	if value == nil {
		value = []byte{} // a null value would delete the record
	}
	headers := append(e.Headers[:len(e.Headers):len(e.Headers)],
		outbox.Header{Key: []byte(HeaderParked), Value: meta}, outbox.Header{Key: []byte(HeaderParkedKey), Value: e.Key})
	b.Append(&outbox.Record{
		Topic: topic, Partition: parkedPartition, Key: []byte(e.Position.String()), Value: value, Headers: headers, Position: e.Position,
	})
	return nil
}

// AppendUnparked appends the tombstone of a parked event.
func AppendUnparked(b *outbox.Batch, topic string, at outbox.Position) {
	b.Append(&outbox.Record{Topic: topic, Partition: parkedPartition, Key: []byte(at.String()), Position: at})
}

// decodeParked reads a record of the parked topic. ours is false for what no relay has written under a position: the
// barrier, or somebody's notes. A nil event is a tombstone.
func decodeParked(r committed) (at outbox.Position, e *Parked, ours bool, err error) {
	if at, err = outbox.ParsePosition(string(r.record.Key)); err != nil {
		return at, nil, false, nil //nolint:nilerr // not a position: not ours
	}
	if r.record.Value == nil {
		return at, nil, true, nil
	}
	e = &Parked{Position: at, Value: r.record.Value, Offset: r.offset}
	n := len(r.record.Headers)
	if n < 2 || string(r.record.Headers[n-2].Key) != HeaderParked || string(r.record.Headers[n-1].Key) != HeaderParkedKey {
		return at, nil, true, fmt.Errorf("decode parked event %s: %w: header %s is missing", at, ErrUndecodable, HeaderParked)
	}
	var m parkedMeta
	if err := json.Unmarshal(r.record.Headers[n-2].Value, &m); err != nil {
		return at, nil, true, fmt.Errorf("decode parked event %s: %w: %w", at, ErrUndecodable, err)
	}
	if m.Format != formatVersion {
		return at, nil, true, fmt.Errorf("decode parked event %s: %w: format version %d, this release reads %d only", at, ErrUndecodable, m.Format, formatVersion)
	}
	for _, h := range r.record.Headers[:n-2] {
		e.Headers = append(e.Headers, outbox.Header{Key: h.Key, Value: h.Value})
	}
	if m.Tombstone {
		e.Value = nil
	}
	e.Key = r.record.Headers[n-1].Value
	e.Relay, e.Generation, e.Kind, e.ID, e.Topic, e.Partition = m.Relay, m.Generation, m.Kind, m.ID, m.Topic, m.Partition
	e.Timestamp, e.CommitTime, e.XID, e.Reason, e.Detail, e.Behind, e.Time = m.Timestamp, m.CommitTime, m.XID, m.Reason, m.Detail, m.Behind, m.Time
	return at, e, true, nil
}
