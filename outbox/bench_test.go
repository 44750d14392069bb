package outbox

import (
	"bytes"
	"strings"
	"testing"
)

// payload256 is the payload of the benchmarks: 256 bytes of JSON.
func payload256() string { return `{"note": "` + strings.Repeat("x", 244) + `"}` }

// mapping is a way to make one record, and the bytes it reads.
type mapping struct {
	name string
	call func(*Batch) error
}

// mappings are all the ways, for benchmarks and for the promise that none of them allocates in the steady state.
func mappings(t testing.TB) []mapping {
	row := func(changes map[string]string) Row {
		if _, set := changes["payload"]; !set {
			changes["payload"] = payload256()
		}
		return relayRow(t, changes)
	}
	rowMapping := func(name string, r Row, change func(*Config)) mapping {
		plan := newPlan(t, newMapper(t, change), relayTable())
		return mapping{name, func(b *Batch) error { return plan.Map(r, testTx, 1, b) }}
	}
	debezium := func(name string, change func(*Config)) mapping {
		m := newMapper(t, func(c *Config) {
			if c.Format = FormatDebezium; change != nil {
				change(c)
			}
		})
		plan, r := newPlan(t, m, debeziumTable()), debeziumRow(t, debeziumTable(), map[string]string{"payload": payload256()})
		return mapping{name, func(b *Batch) error { return plan.Map(r, testTx, 1, b) }}
	}
	frame := []byte(`{"v":1,"id":"` + testID + `","aggregate_type":"payment","aggregate_id":"42","event_type":"PaymentBooked",` +
		`"headers":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}` + "\n" + payload256())
	messages := newMapper(t, func(c *Config) { c.WALMessages = "outbox" })
	return []mapping{
		rowMapping("row", row(map[string]string{}), nil),
		rowMapping("headers", row(map[string]string{
			"headers": `{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "n": 1, "quoted": "a\"b\u00e9"}`,
		}), nil),
		rowMapping("rules", row(map[string]string{}), func(c *Config) {
			c.Routing.Rules = []Rule{
				{Match: map[string]string{"aggregate_type": "^ledger$"}, Topic: "ledger"},
				{Match: map[string]string{"event_type": "^(Order|Payment)(Booked|Placed)$"}, Topic: "${aggregate_type}.${event_type}"},
			}
		}),
		rowMapping("bytes", row(map[string]string{
			"payload": "-", "payload_bytes": `\x` + strings.Repeat("0f", 256), "occurred_at": "2026-11-24 08:00:00.123456+00",
		}), nil),
		debezium("debezium text", nil),
		debezium("debezium envelope", func(c *Config) {
			c.Debezium.Values, c.Debezium.TableExpandJSONPayload = ConvertJSON, true
			c.Debezium.TableFieldsAdditionalPlacement = "type:envelope,type:header:eventType"
		}),
		{"message", func(b *Batch) error { return messages.MapMessage(frame, testTx, 1, b) }},
	}
}

func BenchmarkMap(b *testing.B) {
	for _, m := range mappings(b) {
		b.Run(m.name, func(b *testing.B) {
			var batch Batch
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%10_000 == 0 {
					batch.Reset()
				}
				if err := m.call(&batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestMappingDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector sync.Pool allocates")
	}
	for _, m := range mappings(t) {
		t.Run(m.name, func(t *testing.T) {
			var batch Batch
			round := func() {
				batch.Reset()
				for range 100 {
					if err := m.call(&batch); err != nil {
						t.Fatal(err)
					}
				}
			}
			round() // the first one makes the memory that the others use again
			if allocs := testing.AllocsPerRun(10, round); allocs != 0 {
				t.Errorf("%v allocations in 100 events", allocs)
			}
		})
	}
}

// An application that invents topics costs memory for at most maxInterned names.
func TestTopicNamesAreBounded(t *testing.T) {
	rules := newTopicRules(nil)
	name := []byte("topic-000000")
	for range 3 * maxInterned {
		for i := len(name) - 1; ; i-- {
			if name[i]++; name[i] <= '9' {
				break
			}
			name[i] = '0'
		}
		got, bad := rules.intern(name)
		if bad != nil || !bytes.Equal(name, []byte(got)) {
			t.Fatalf("%s became %s, %v", name, got, bad)
		}
	}
	if n := len(rules.passed); n > maxInterned {
		t.Errorf("%d names are kept, at most %d should be", n, maxInterned)
	}
}
