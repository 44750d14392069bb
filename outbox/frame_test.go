package outbox

import (
	"strings"
	"testing"
)

const goodFrame = `{"v":1,"id":"0197A5B2-6C1E-7D11-9F5E-0D2C5A3B7F01","aggregate_type":"payment","aggregate_id":"4\u00322","event_type":"Payment \"Booked\""`

func TestMapMessage(t *testing.T) {
	plain := shown{
		Topic: "payment.events", Key: "422", Value: "{\"amount\":1}\nand \x00 more", ID: testID,
		Headers:   []string{"id=" + testID, `type=Payment "Booked"`, "relay-tx=918223"},
		Timestamp: 1795507200123, Partition: PartitionByKey, Position: "00000001-00000016B374D848-00000007",
	}
	payload := "\n" + plain.Value
	tests := []struct {
		name    string
		content string
		want    func(*shown)
	}{
		{"plain", goodFrame + `}` + payload, func(*shown) {}},
		{"null for what may be left out", goodFrame + `,"headers":null,"topic":null,"tombstone":null}` + payload, func(*shown) {}},
		{"blanks", " \t" + goodFrame + " } \r" + payload, func(*shown) {}},
		{
			"headers and topic", goodFrame + `,"headers":{"a":"b\n","c":[1]},"topic":"au\u0064it","tombstone":false}` + payload,
			func(s *shown) { s.Topic = "audit"; s.Headers = append(s.Headers, "a=b\n", "c=[1]") },
		},
		{"tombstone", goodFrame + `,"tombstone":true}` + "\n", func(s *shown) { s.Value = "<null>" }},
		{"no payload is an empty value", goodFrame + "}\n", func(s *shown) { s.Value = "" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := plain
			want.Headers = append([]string(nil), plain.Headers...)
			tt.want(&want)
			m := newMapper(t, func(c *Config) { c.WALMessages = "outbox" })
			content := []byte(tt.content)
			var b Batch
			if err := m.MapMessage(content, testTx, 7, &b); err != nil {
				t.Fatal(err)
			}
			clear(content) // it is borrowed for the call only
			wantDiff(t, show(b.At(0)), want)
		})
	}
}

func TestMapMessageRefuses(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(goodFrame, old, new, 1) + "}\n{}" }
	tests := []struct {
		name    string
		content string
		reason  Reason
		detail  string
	}{
		{"empty", "", ReasonBadFrame, "newline"},
		{"no newline", goodFrame + "}", ReasonBadFrame, "newline"},
		{"not JSON", "hello\nworld", ReasonBadFrame, "not a JSON object"},
		{"not UTF-8", with("payment", "pay\xffment"), ReasonBadFrame, "UTF-8"},
		{"cut", goodFrame + "\n{}", ReasonBadFrame, "not a JSON object"},
		{"text behind", goodFrame + "} x\n{}", ReasonBadFrame, "not a JSON object"},
		{"newer version", with(`"v":1`, `"v":2`), ReasonBadFrame, "version 2"},
		{"version as text", with(`"v":1`, `"v":"1"`), ReasonBadFrame, "version"},
		{"unknown member", goodFrame + `,"key":"x"}` + "\n", ReasonBadFrame, `"key"`},
		{"member twice", goodFrame + `,"v":1}` + "\n", ReasonBadFrame, `"v" stands there twice`},
		{"version missing", with(`"v":1,`, ""), ReasonBadFrame, `"v" is missing`},
		{"event type missing", `{"v":1,"id":"` + testID + `","aggregate_type":"a","aggregate_id":"b"}` + "\n", ReasonBadFrame, `"event_type" is missing`},
		{"null where a value must be", with(`"4\u00322"`, "null"), ReasonBadFrame, `"aggregate_id" is not a string`},
		{"number for a string", with(`"payment"`, "1"), ReasonBadFrame, `"aggregate_type" is not a string`},
		{"half of a pair", with("payment", `\udc00`), ReasonBadFrame, "surrogate"},
		{"tombstone as text", goodFrame + `,"tombstone":"true"}` + "\n", ReasonBadFrame, "tombstone"},
		{"tombstone with a payload", goodFrame + `,"tombstone":true}` + "\n{}", ReasonBadFrame, "tombstone"},
		{"nested too deeply", goodFrame + `,"headers":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}\n", ReasonBadFrame, "deeply"},
		{"id too short", with("0197A5B2", "0197A5B"), ReasonBadID, "uuid"},
		{"id with a wrong letter", with("0197A5B2", "0197A5BG"), ReasonBadID, "uuid"},
		{"id without hyphens", with("-", "0"), ReasonBadID, "uuid"},
		{"aggregate type with a blank", with("payment", "pay ment"), ReasonBadName, "aggregate_type"},
		{"aggregate type too long", with("payment", strings.Repeat("x", 201)), ReasonBadName, "201"},
		{"aggregate type internal", with("payment", "__x"), ReasonBadName, "underscores"},
		{"aggregate id empty", with(`4\u00322`, ""), ReasonBadName, "aggregate_id"},
		{"aggregate id too long", with(`4\u00322`, strings.Repeat("x", 1025)), ReasonBadName, "1025"},
		{"aggregate id with NUL", with(`4\u00322`, `\u0000`), ReasonBadName, "NUL"},
		{"event type with a tab", with("Payment", `\t`), ReasonBadName, "control"},
		{"event type empty", with(`Payment \"Booked\"`, ""), ReasonBadName, "event_type"},
		{"headers too large", goodFrame + `,"headers":{"a":"` + strings.Repeat("x", MaxHeadersBytes) + `"}}` + "\n", ReasonBadHeaders, "32776"},
		{"headers are a string", goodFrame + `,"headers":"x"}` + "\n", ReasonBadHeaders, "not a JSON object"},
		{"forged header", goodFrame + `,"headers":{"relay-seq":"x"}}` + "\n", ReasonForgedHeader, "relay-seq"},
		{"payload too large", goodFrame + "}\n" + strings.Repeat("x", MaxPayloadBytes+1), ReasonBadPayload, "1000001"},
		{"forbidden topic", goodFrame + `,"topic":"__x"}` + "\n", ReasonForbiddenTopic, "__x"},
		{"empty topic", goodFrame + `,"topic":""}` + "\n", ReasonBadTopic, "empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMapper(t, func(c *Config) { c.WALMessages = "outbox" })
			bad := wantBad(t, tt.reason, func(b *Batch) error { return m.MapMessage([]byte(tt.content), testTx, 7, b) })
			if !strings.Contains(bad.Detail, tt.detail) {
				t.Errorf("detail is %q, want %q in it", bad.Detail, tt.detail)
			}
		})
	}
}

func TestWantsMessage(t *testing.T) {
	none := newMapper(t, nil)
	some := newMapper(t, func(c *Config) { c.WALMessages = "outbox" })
	if none.WantsMessage([]byte("")) || none.WantsMessage([]byte("outbox")) {
		t.Error("messages are wanted without a prefix in the configuration")
	}
	if !some.WantsMessage([]byte("outbox")) || some.WantsMessage([]byte("outbox2")) || some.WantsMessage(nil) {
		t.Error("the prefix must be equal")
	}
}
