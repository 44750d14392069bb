package outbox

import (
	"encoding/hex"
	"strconv"
	"time"
)

// The statements name the type of each parameter, so that every driver may send text. Values stand in order of these
// columns. Many events come as one array of texts for each column: any number in one statement, whose text does not
// depend on that number; an INSERT with as many rows of parameters ends at 65535 of these.
const (
	insertInto = `INSERT INTO %s.event
	(id, aggregate_type, aggregate_id, event_type, payload, payload_bytes, headers, topic, aggregate_version, occurred_at)
`
	insertOne = insertInto + `VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::json, $6::bytea, $7::jsonb, $8::text, $9::bigint, $10::timestamptz)`

	insertMany = insertInto + `SELECT id::uuid, aggregate_type, aggregate_id, event_type, payload::json, payload_bytes::bytea, headers::jsonb, topic,
	aggregate_version::bigint, occurred_at::timestamptz
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
	AS e (id, aggregate_type, aggregate_id, event_type, payload, payload_bytes, headers, topic, aggregate_version, occurred_at)`
)

// values are the arguments of insertOne: strings, and []byte for a bytea; nil is NULL.
func (d draft) values() []any {
	values := []any{d.id, d.AggregateType, d.AggregateID, d.Type, nil, nil, nil, nil, nil, nil}
	if d.Payload != nil {
		values[4] = string(d.Payload)
	}
	if d.Bytes != nil {
		values[5] = d.Bytes
	}
	if d.headers != nil {
		values[6] = string(d.headers)
	}
	if d.Topic != "" {
		values[7] = d.Topic
	}
	if d.AggregateVersion != 0 {
		values[8] = strconv.FormatInt(d.AggregateVersion, 10)
	}
	if !d.OccurredAt.IsZero() {
		values[9] = d.OccurredAt.UTC().Format(time.RFC3339Nano)
	}
	return values
}

// columns are the arguments of insertMany: the text of an array for each column.
func columns(drafts []draft) []any {
	var arrays [10]array
	for _, d := range drafts {
		for i, v := range d.values() {
			arrays[i].append(v)
		}
	}
	args := make([]any, len(arrays))
	for i := range arrays {
		args[i] = arrays[i].String()
	}
	return args
}

// array is the text of a Postgres array as it grows ("Array Input and Output Syntax" of the manual).
type array struct{ text []byte }

// append adds a string, a []byte in the form of a bytea, or nil.
func (a *array) append(value any) {
	if len(a.text) > 0 {
		a.text = append(a.text, ',')
	}
	switch v := value.(type) {
	case string:
		a.text = append(a.text, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				a.text = append(a.text, '\\')
			}
			a.text = append(a.text, v[i])
		}
		a.text = append(a.text, '"')
	case []byte:
		a.text = append(a.text, `"\\x`...)
		a.text = hex.AppendEncode(a.text, v)
		a.text = append(a.text, '"')
	default:
		a.text = append(a.text, "NULL"...)
	}
}

// String is the array.
func (a *array) String() string { return "{" + string(a.text) + "}" }
