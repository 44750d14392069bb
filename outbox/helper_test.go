package outbox

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tx is the transaction that tests map from: 2026-11-24 08:00:00.123456 UTC.
var testTx = Transaction{Timeline: 1, CommitLSN: 0x16B374D848, CommitTime: 1795507200123456, XID: 918223}

const testID = "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01"

// relayTable is the table of package migrations as the stream describes it.
func relayTable() Table {
	return Table{Schema: "outbox", Name: "event", Columns: []Column{
		{Name: "id", TypeOID: 2950},
		{Name: "aggregate_type", TypeOID: 16500}, // domains have OIDs of their own
		{Name: "aggregate_id", TypeOID: 16501},
		{Name: "event_type", TypeOID: 16502},
		{Name: "payload", TypeOID: 114},
		{Name: "payload_bytes", TypeOID: oidBytea},
		{Name: "headers", TypeOID: 3802},
		{Name: "topic", TypeOID: 16503},
		{Name: "aggregate_version", TypeOID: oidInt8},
		{Name: "occurred_at", TypeOID: oidTimestamptz},
		{Name: "created_at", TypeOID: oidTimestamptz},
		{Name: "weekday", TypeOID: oidInt2},
	}}
}

// rowOf makes a row of the table; columns that are not named are NULL.
func rowOf(t testing.TB, table Table, values map[string]string) Row {
	t.Helper()
	row := Row{Values: make([][]byte, len(table.Columns))}
	left := len(values)
	for i, c := range table.Columns {
		if v, ok := values[c.Name]; ok {
			row.Values[i] = []byte(v)
			left--
		}
	}
	if left != 0 {
		t.Fatalf("the table does not have all columns of %v", values)
	}
	return row
}

// event is a good row of relayTable with changes; "-" makes a column NULL.
func relayRow(t testing.TB, changes map[string]string) Row {
	t.Helper()
	values := map[string]string{
		"id": testID, "aggregate_type": "payment", "aggregate_id": "42", "event_type": "PaymentBooked",
		"payload": `{"amount": 12.30}`, "created_at": "2026-11-24 08:00:00+00", "weekday": "2",
	}
	for name, v := range changes {
		if values[name] = v; v == "-" {
			delete(values, name)
		}
	}
	return rowOf(t, relayTable(), values)
}

func newMapper(t testing.TB, change func(*Config)) *Mapper {
	t.Helper()
	cfg := Defaults()
	cfg.ReservedTopics = []string{"relay.checkpoints", "relay.parked"}
	if change != nil {
		change(&cfg)
	}
	m, err := NewMapper(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newPlan(t testing.TB, m *Mapper, table Table) *Plan {
	t.Helper()
	p, err := m.Plan(table)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mapOne maps a row into an empty batch and returns its record.
func mapOne(t testing.TB, p *Plan, row Row) Record {
	t.Helper()
	var b Batch
	if err := p.Map(row, testTx, 7, &b); err != nil {
		t.Fatal(err)
	}
	if b.Len() != 1 {
		t.Fatalf("the batch has %d records, want 1", b.Len())
	}
	return b.At(0)
}

// wantBad checks that mapping fails with this reason and leaves the batch as it was.
func wantBad(t testing.TB, reason Reason, call func(*Batch) error) *BadEvent {
	t.Helper()
	var b Batch
	b.Append(&Record{Topic: "before", Value: []byte("kept")})
	size := b.Size()
	err := call(&b)
	bad, ok := errors.AsType[*BadEvent](err)
	if !ok {
		t.Fatalf("error is %v, want a BadEvent with reason %s", err, reason)
	}
	if bad.Reason != reason {
		t.Errorf("reason is %s (%s), want %s", bad.Reason, bad.Detail, reason)
	}
	if b.Len() != 1 || b.Size() != size || string(b.At(0).Value) != "kept" {
		t.Errorf("the batch has changed: %d records, %d bytes, was 1 and %d", b.Len(), b.Size(), size)
	}
	return bad
}

// shown is a record with its bytes as text, for comparing.
type shown struct {
	Topic, Key, Value, ID string
	Headers               []string
	Timestamp             int64
	Partition             int32
	Position              string
}

func show(r Record) shown {
	s := shown{
		Topic: r.Topic, Key: showBytes(r.Key), Value: showBytes(r.Value), ID: string(r.ID),
		Timestamp: r.Timestamp, Partition: r.Partition, Position: r.Position.String(),
	}
	for _, h := range r.Headers {
		s.Headers = append(s.Headers, fmt.Sprintf("%s=%s", h.Key, showBytes(h.Value)))
	}
	return s
}

func showBytes(p []byte) string {
	if p == nil {
		return "<null>"
	}
	return string(p)
}

func wantDiff(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
