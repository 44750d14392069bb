package outbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"
)

func fuzzSeeds() [][]byte {
	var seeds [][]byte
	for _, s := range []string{
		``, `{}`, `[]`, `""`, `0`, `-0`, `01`, `1.`, `1e`, `1E+5`, `-`, `tru`, `nul`, `true`, `{"a":1,}`, `[1,]`, `{"a"}`,
		`{"a": "b\u00e9\ud83d\ude00\n\"", "n": -12.30e+5, "o": {"x": [1, [], {}]}, "z": null, "t": true, "f": false}`,
		`{"a": "\ud800"}`, `{"a": "\ud800\u0041"}`, `{"a": "\udc00"}`, `{"a": "\u00"}`, `{"a": "\x"}`, "{\"a\": \"\x01\"}", "{\"a\": \"\xff\"}",
		`{"relay-seq": "x"}`, `{"id": 1}`, `{"a":1}{}`, "\x00", `{"a":1} `, goodFrame + "}\n{}", goodFrame + `,"headers":{"a":null},"tombstone":true}` + "\n",
	} {
		seeds = append(seeds, []byte(s))
	}
	return seeds
}

// The scanner accepts what encoding/json accepts, apart from depth, and resolves strings as it does.
func FuzzJSONScanner(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := jsonScanner{data: data}
		kind, text, err := s.value(0)
		ok := err == nil && s.end()
		if errors.Is(err, errJSONDepth) {
			return
		}
		if want := json.Valid(data); ok != want {
			t.Fatalf("valid is %t (%v), encoding/json says %t", ok, err, want)
		}
		if !ok || kind != '"' || !utf8.Valid(data) {
			return
		}
		got, err := appendUnescaped(nil, text[1:len(text)-1])
		if err != nil {
			return // half of a pair, which encoding/json replaces
		}
		var want string
		if err := json.Unmarshal(data, &want); err != nil || want != string(got) {
			t.Fatalf("string is %q, encoding/json says %q, %v", got, want, err)
		}
	})
}

// Headers either become what encoding/json makes of them or leave a BadEvent and the batch as it was.
func FuzzHeaders(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add(s)
	}
	plan := newPlan(f, newMapper(f, nil), relayTable())
	f.Fuzz(func(t *testing.T, headers []byte) {
		row := relayRow(t, nil)
		row.Values[slices.IndexFunc(relayTable().Columns, func(c Column) bool { return c.Name == "headers" })] = append([]byte{}, headers...)
		r, ok := fuzzMap(t, func(b *Batch) error { return plan.Map(row, testTx, 0, b) })
		if !ok {
			return
		}
		want, err := referenceHeaders(headers)
		if err != nil {
			t.Fatalf("headers %q were accepted, encoding/json says %v", headers, err)
		}
		for _, h := range r.Headers[3:] {
			if bytes.HasPrefix(h.Key, []byte("relay-")) || string(h.Key) == "id" || string(h.Key) == "type" {
				t.Fatalf("header %q was accepted", h.Key)
			}
		}
		if utf8.Valid(headers) { // encoding/json replaces what is not
			wantDiff(t, r.Headers[3:], want)
		}
	})
}

// referenceHeaders reads an object with encoding/json, which keeps order and equal names this way.
func referenceHeaders(object []byte) ([]Header, error) {
	headers := []Header{}
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		h := Header{Key: []byte(name.(string)), Value: raw}
		switch raw[0] {
		case 'n':
			h.Value = nil
		case '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, err
			}
			h.Value = []byte(text)
		}
		headers = append(headers, h)
	}
	_, err := d.Token()
	return headers, err
}

// A message either becomes a record that keeps to the rules or leaves a BadEvent and the batch as it was.
func FuzzMessage(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add(s)
	}
	m := newMapper(f, func(c *Config) { c.WALMessages = "outbox" })
	f.Fuzz(func(t *testing.T, content []byte) {
		r, ok := fuzzMap(t, func(b *Batch) error { return m.MapMessage(content, testTx, 0, b) })
		if !ok {
			return
		}
		_, payload, _ := bytes.Cut(content, []byte("\n"))
		if !bytes.Equal(r.Value, payload) || len(r.ID) != uuidLen || len(r.Key) == 0 {
			t.Fatalf("record is %+v", show(r))
		}
	})
}

// fuzzMap maps and checks what holds for every outcome.
func fuzzMap(t *testing.T, call func(*Batch) error) (Record, bool) {
	var b Batch
	err := call(&b)
	if err == nil {
		r := b.At(0)
		if bad := newTopicRules([]string{"relay.checkpoints", "relay.parked"}).check(r.Topic); bad != nil {
			t.Fatalf("topic %q was accepted", r.Topic)
		}
		return r, true
	}
	if _, ok := errors.AsType[*BadEvent](err); !ok {
		t.Fatalf("error is %v, want a BadEvent", err)
	}
	if b.Len() != 0 || b.Size() != 0 {
		t.Fatalf("%d records and %d bytes are left in the batch", b.Len(), b.Size())
	}
	return Record{}, false
}

// A template that parses renders to its literal parts with the values between.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "a", "${a}", "a.${b}.c", "${a}${b}", "${", "$", "${}", "$a", "${a", "a}b", "${${a}}", "é${a}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var names []string
		tmpl, err := parseTemplate(text, func(name string) field {
			names = append(names, name)
			return field(len(names) - 1)
		})
		if err != nil {
			return
		}
		values := make([][]byte, len(names))
		for i, name := range names {
			values[i] = []byte("${" + name + "}")
		}
		got, null := tmpl.appendTo(nil, values)
		if null != noField || string(got) != text {
			t.Fatalf("%q renders to %q", text, got)
		}
	})
}

// Whatever a column holds, its form in Kafka Connect is valid JSON or an error.
func FuzzConnectForms(f *testing.F) {
	for _, s := range []string{
		``, `t`, `1`, `-1.5`, `1e-7`, `NaN`, `Infinity`, `12.50`, `2020-02-29`, `10:00:00.5`, `2020-02-29 12:00:00.123456+02`, `0044-03-15 BC`,
		`\x00ff`, `{a,"b\"",NULL}`, `{`, `{,}`, `{"`, `{"a\`, `{a`, `[1:2]={1,2}`, `infinity`, `a "b"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for kind := kindText; kind <= kindArray; kind++ {
			for element := kindText; element < kindArray; element++ {
				form := connectType{kind: kind, element: element, width: 3}
				_, _ = form.appendText(nil, text)
				got, err := form.appendJSON(nil, text)
				if err == nil && utf8.Valid(text) && kind != kindInteger && element != kindInteger && !json.Valid(got) {
					t.Fatalf("kind %d: %q becomes %q", kind, text, got)
				}
			}
		}
	})
}

// Properties are read to their end without a panic, and a key without escapes comes back.
func FuzzProperties(f *testing.F) {
	for _, s := range []string{"", "a=b", "a:b\nc d", "#x\ny", "a\\\nb", "\\u00e9=\\uD83D\\uDE00", "\\u00", "\\", "=", "a\\\r\nb", " \t a = b "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries := 0
		EachProperty(text, func(_, _ []byte) bool { entries++; return true })
		if lines := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + 1; entries > lines {
			t.Fatalf("%d entries in %d lines of %q", entries, lines, text)
		}
	})
}
