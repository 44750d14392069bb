package outbox

import (
	"errors"
	"strings"
	"testing"
)

func TestMapRow(t *testing.T) {
	plain := shown{
		Topic: "payment.events", Key: "42", Value: `{"amount": 12.30}`, ID: testID,
		Headers:   []string{"id=" + testID, "type=PaymentBooked", "relay-tx=918223"},
		Timestamp: 1795507200123, Partition: PartitionByKey, Position: "00000001-00000016B374D848-00000007",
	}
	tests := []struct {
		name   string
		config func(*Config)
		row    map[string]string
		want   func(*shown)
	}{
		{name: "plain", want: func(*shown) {}},
		{
			name: "payload bytes are decoded", row: map[string]string{"payload": "-", "payload_bytes": `\x00fF10`},
			want: func(s *shown) { s.Value = "\x00\xff\x10" },
		},
		{
			name: "NULL payload is a tombstone", row: map[string]string{"payload": "-"},
			want: func(s *shown) { s.Value = "<null>" },
		},
		{
			name: "empty bytes are no tombstone", row: map[string]string{"payload": "-", "payload_bytes": `\x`},
			want: func(s *shown) { s.Value = "" },
		},
		{
			name: "empty bytes are a tombstone if wished", row: map[string]string{"payload": "-", "payload_bytes": `\x`},
			config: func(c *Config) { c.Routing.Tombstone = TombstoneEmpty },
			want:   func(s *shown) { s.Value = "<null>" },
		},
		{
			name: "headers of every JSON kind",
			row:  map[string]string{"headers": `{"s": "a\"b\u00e9", "n": 12.30, "o": {"a": [1, 2]}, "t": true, "z": null, "": ""}`},
			want: func(s *shown) {
				s.Headers = append(s.Headers, `s=a"bé`, "n=12.30", `o={"a": [1, 2]}`, "t=true", "z=<null>", "=")
			},
		},
		{
			name: "header names as configured", row: map[string]string{"headers": `{"id": "theirs"}`},
			config: func(c *Config) { c.Routing.Headers = HeaderNames{Type: "eventType"} },
			want:   func(s *shown) { s.Headers = []string{"eventType=PaymentBooked", "id=theirs"} },
		},
		{
			name: "no headers at all", config: func(c *Config) { c.Routing.Headers = HeaderNames{} },
			want: func(s *shown) { s.Headers = nil },
		},
		{
			name: "topic column overrides", row: map[string]string{"topic": "audit"},
			config: func(c *Config) {
				c.Routing.Rules = []Rule{{Match: map[string]string{"aggregate_type": "pay"}, Topic: "ledger"}}
			},
			want: func(s *shown) { s.Topic = "audit" },
		},
		{
			name: "the first rule that matches wins",
			config: func(c *Config) {
				c.Routing.Rules = []Rule{
					{Match: map[string]string{"aggregate_type": "^ledger$"}, Topic: "ledger"},
					{Match: map[string]string{"aggregate_type": "^pay", "aggregate_version": "."}, Topic: "never"}, // NULL
					{Match: map[string]string{"aggregate_type": "^pay", "event_type": "Booked$"}, Topic: "books.${aggregate_id}-${event_type}"},
					{Match: map[string]string{"aggregate_type": "^pay"}, Topic: "second"},
				}
			},
			want: func(s *shown) { s.Topic = "books.42-PaymentBooked" },
		},
		{
			name: "occurred_at is the timestamp", row: map[string]string{"occurred_at": "2026-11-24 07:00:00.999999+00"},
			want: func(s *shown) { s.Timestamp = 1795503600999 },
		},
		{
			name: "no key column", config: func(c *Config) { c.Routing.Key = "" },
			want: func(s *shown) { s.Key = "<null>" },
		},
		{
			name: "NULL key", config: func(c *Config) { c.Routing.Key = "aggregate_version" },
			want: func(s *shown) { s.Key = "<null>" },
		},
		{
			name: "key of another column", row: map[string]string{"aggregate_version": "9"},
			config: func(c *Config) { c.Routing.Key = "aggregate_version" },
			want:   func(s *shown) { s.Key = "9" },
		},
		{
			name: "partition column", row: map[string]string{"aggregate_version": "2147483647"},
			config: func(c *Config) { c.Routing.Partition = "aggregate_version" },
			want:   func(s *shown) { s.Partition = 2147483647 },
		},
		{
			name: "NULL partition", config: func(c *Config) { c.Routing.Partition = "aggregate_version" },
			want: func(*shown) {},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := plain
			want.Headers = append([]string(nil), plain.Headers...)
			tt.want(&want)
			plan := newPlan(t, newMapper(t, tt.config), relayTable())
			wantDiff(t, show(mapOne(t, plan, relayRow(t, tt.row))), want)
		})
	}
}

func TestMapRowRefuses(t *testing.T) {
	tests := []struct {
		name   string
		config func(*Config)
		row    map[string]string
		reason Reason
		detail string
	}{
		{name: "NULL id", row: map[string]string{"id": "-"}, reason: ReasonNull, detail: `column "id"`},
		{name: "empty id", row: map[string]string{"id": ""}, reason: ReasonBadID, detail: `column "id" is empty`},
		{name: "NULL in the topic", row: map[string]string{"aggregate_type": "-"}, reason: ReasonNull, detail: `column "aggregate_type"`},
		{name: "topic with a blank", row: map[string]string{"aggregate_type": "a b"}, reason: ReasonBadTopic, detail: `"a b.events"`},
		{name: "topic too long", row: map[string]string{"aggregate_type": strings.Repeat("x", 243)}, reason: ReasonBadTopic, detail: "250"},
		{name: "empty topic", row: map[string]string{"topic": ""}, reason: ReasonBadTopic, detail: "empty"},
		{name: "topic dot dot", row: map[string]string{"topic": ".."}, reason: ReasonBadTopic, detail: `".."`},
		{name: "checkpoint topic", row: map[string]string{"topic": "relay.checkpoints.payments"}, reason: ReasonForbiddenTopic, detail: "relay.checkpoints"},
		{name: "prefix itself", row: map[string]string{"topic": "relay.parked"}, reason: ReasonForbiddenTopic, detail: "relay.parked"},
		{name: "template into a reserved topic", row: map[string]string{"aggregate_type": "relay.checkpoints"}, reason: ReasonForbiddenTopic, detail: "relay.checkpoints.events"},
		{name: "internal topic", row: map[string]string{"topic": "__consumer_offsets"}, reason: ReasonForbiddenTopic, detail: "__"},
		{
			name: "no route", config: func(c *Config) { c.Routing.Topic = "" },
			reason: ReasonNoRoute, detail: "no rule",
		},
		{name: "headers are an array", row: map[string]string{"headers": `["a"]`}, reason: ReasonBadHeaders, detail: "not a JSON object"},
		{name: "headers are cut", row: map[string]string{"headers": `{"a": "b"`}, reason: ReasonBadHeaders, detail: "not a JSON object"},
		{name: "headers with something behind", row: map[string]string{"headers": `{} x`}, reason: ReasonBadHeaders, detail: "not a JSON object"},
		{name: "half a surrogate pair", row: map[string]string{"headers": `{"a": "\ud800"}`}, reason: ReasonBadHeaders, detail: "surrogate"},
		{name: "header begins with relay-", row: map[string]string{"headers": `{"relay-seq": "p/1/1"}`}, reason: ReasonForgedHeader, detail: `"relay-seq"`},
		{name: "the same, in capitals", row: map[string]string{"headers": `{"Relay-Seq": "p/1/1"}`}, reason: ReasonForgedHeader, detail: `"Relay-Seq"`},
		{name: "the same, escaped", row: map[string]string{"headers": `{"\u0072elay-seq": "p/1/1"}`}, reason: ReasonForgedHeader, detail: `"relay-seq"`},
		{name: "header with a configured name", row: map[string]string{"headers": `{"type": "x"}`}, reason: ReasonForgedHeader, detail: `"type"`},
		{name: "both payloads", row: map[string]string{"payload_bytes": `\x00`}, reason: ReasonBadPayload, detail: "both"},
		{name: "bytea in escape form", row: map[string]string{"payload": "-", "payload_bytes": `abc`}, reason: ReasonBadPayload, detail: "payload_bytes"},
		{name: "bytea with an odd digit", row: map[string]string{"payload": "-", "payload_bytes": `\x0`}, reason: ReasonBadPayload, detail: "payload_bytes"},
		{name: "bytea with a wrong digit", row: map[string]string{"payload": "-", "payload_bytes": `\x0g`}, reason: ReasonBadPayload, detail: "payload_bytes"},
		{
			name: "tombstone where none may be", config: func(c *Config) { c.Routing.Tombstone = TombstoneNever },
			row: map[string]string{"payload": "-"}, reason: ReasonNull, detail: "routing.tombstone",
		},
		{name: "infinite time", row: map[string]string{"occurred_at": "infinity"}, reason: ReasonBadTimestamp, detail: "infinite"},
		{name: "time before Christ", row: map[string]string{"occurred_at": "0044-03-15 12:00:00+00 BC"}, reason: ReasonBadTimestamp, detail: "1970"},
		{
			name: "negative partition", config: func(c *Config) { c.Routing.Partition = "aggregate_version" },
			row: map[string]string{"aggregate_version": "-1"}, reason: ReasonBadPartition, detail: `"-1"`,
		},
		{
			name: "partition beyond int32", config: func(c *Config) { c.Routing.Partition = "aggregate_version" },
			row: map[string]string{"aggregate_version": "2147483648"}, reason: ReasonBadPartition, detail: "2147483648",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := newPlan(t, newMapper(t, tt.config), relayTable())
			row := relayRow(t, tt.row)
			bad := wantBad(t, tt.reason, func(b *Batch) error { return plan.Map(row, testTx, 7, b) })
			if !strings.Contains(bad.Detail, tt.detail) {
				t.Errorf("detail is %q, want %q in it", bad.Detail, tt.detail)
			}
			if want := (Position{Timeline: 1, Index: 7, CommitLSN: testTx.CommitLSN}); bad.Position != want {
				t.Errorf("position is %v, want %v", bad.Position, want)
			}
			if strings.Contains(bad.Error(), "12.30") {
				t.Errorf("the error shows the payload: %v", bad)
			}
		})
	}
}

func TestBadEventNamesTheEvent(t *testing.T) {
	plan := newPlan(t, newMapper(t, nil), relayTable())
	row := relayRow(t, map[string]string{"topic": "bad topic"})
	bad := wantBad(t, ReasonBadTopic, func(b *Batch) error { return plan.Map(row, testTx, 7, b) })
	clear(row.Values[0]) // what was borrowed changes
	clear(row.Values[2])
	if bad.ID != testID || string(bad.Key) != "42" || bad.Topic != "bad topic" {
		t.Errorf("the bad event is %+v", bad)
	}
	const want = `event "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01" at 00000001-00000016B374D848-00000007 cannot be published: ` +
		`topic name "bad topic": allowed are letters, digits, dot, underscore and hyphen (bad_topic)`
	if bad.Error() != want {
		t.Errorf("error is\n%s, want\n%s", bad, want)
	}
}

func TestMapCopiesTheRow(t *testing.T) {
	plan := newPlan(t, newMapper(t, nil), relayTable())
	row := relayRow(t, map[string]string{"headers": `{"k": "v", "o": {"a": 1}}`, "topic": "audit"})
	var b Batch
	if err := plan.Map(row, testTx, 0, &b); err != nil {
		t.Fatal(err)
	}
	before := show(b.At(0))
	for _, v := range row.Values {
		clear(v)
	}
	wantDiff(t, show(b.At(0)), before)
}

func TestMapRowOfAnotherWidth(t *testing.T) {
	plan := newPlan(t, newMapper(t, nil), relayTable())
	var b Batch
	err := plan.Map(Row{Values: make([][]byte, 3)}, testTx, 0, &b)
	if _, bad := errors.AsType[*BadEvent](err); err == nil || bad {
		t.Errorf("error is %v, want one that is no BadEvent", err)
	}
}
