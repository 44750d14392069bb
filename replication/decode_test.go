package replication

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// described is a decoder that knows relation 7, public.t (id int4 key, name text).
func described(t testing.TB) *decoder {
	t.Helper()
	d := newDecoder()
	out, err := d.decode(relationMessage(7, "t", "id", "name"), &Message{})
	if err != nil || out {
		t.Fatalf("handed out %t, %v", out, err)
	}
	return d
}

func relationMessage(oid byte, name string, columns ...string) []byte {
	m := append([]byte{msgRelation, 0, 0, 0, oid}, "public\x00"+name+"\x00d"...)
	m = append(m, 0, byte(len(columns)))
	for i, c := range columns {
		key := byte(0)
		if i == 0 {
			key = 1
		}
		m = append(append(append(m, key), c+"\x00"...), 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff)
	}
	return m
}

func TestDecodeByHand(t *testing.T) {
	relation := &Relation{OID: 7, Namespace: "public", Name: "t", ReplicaIdentity: 'd', Columns: []Column{
		{Name: "id", TypeOID: 25, TypeMod: -1, Key: true}, {Name: "name", TypeOID: 25, TypeMod: -1},
	}}
	for _, c := range []struct {
		message string // hex
		want    Message
	}{
		{"42 0000000000000010 0000000000000001 00000005", Message{Kind: Begin, CommitLSN: 16, CommitTime: postgresEpoch + 1, XID: 5}},
		{"43 00 0000000000000010 0000000000000018 ffffffffffffffff", Message{Kind: Commit, CommitLSN: 16, EndLSN: 24, CommitTime: postgresEpoch - 1}},
		{"49 00000007 4e 0002 74 00000001 31 6e", Message{Kind: Insert, Relation: relation, Values: [][]byte{[]byte("1"), nil}}},
		{"49 00000007 4e 0002 74 00000000 74 00000002 c3bc", Message{Kind: Insert, Relation: relation, Values: [][]byte{{}, []byte("ü")}}},
		{"55 00000007 4e 0002 74 00000001 31 75", Message{Kind: Update, Relation: relation, Values: [][]byte{[]byte("1"), nil}, Unchanged: 1}},
		{"55 00000007 4b 0002 74 00000001 30 6e 4e 0002 74 00000001 31 6e", Message{Kind: Update, Relation: relation, Values: [][]byte{[]byte("1"), nil}}},
		{"55 00000007 4f 0002 74 00000001 30 75 4e 0002 74 00000001 31 6e", Message{Kind: Update, Relation: relation, Values: [][]byte{[]byte("1"), nil}}},
		{"44 00000007 4b 0002 74 00000001 31 6e", Message{Kind: Delete, Relation: relation, Values: [][]byte{[]byte("1"), nil}}},
		{"54 00000001 00 00000007", Message{Kind: Truncate, Relations: []*Relation{relation}}},
		{"4d 01 0000000000000010 7000 00000002 6869", Message{Kind: LogicalMessage, Transactional: true, Prefix: []byte("p"), Content: []byte("hi")}},
		{"4d 00 0000000000000010 00 00000000", Message{Kind: LogicalMessage, Prefix: []byte{}, Content: []byte{}}},
	} {
		raw := unhex(c.message)
		c.want.Raw = raw
		var got Message
		if out, err := described(t).decode(raw, &got); err != nil || !out {
			t.Errorf("%s: handed out %t, %v", c.message, out, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.message, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		message, want string
	}{
		{"", "it is empty"},
		{"78", `unknown type 'x'`},
		{"53 00000007", `unknown type 'S'`}, // stream start, of protocol version 2
		{"49 00000008 4e 0000", "relation 8 was not described"},
		{"49 00000007 4f 0002 6e 6e", `tuple of kind 'O'`},
		{"49 00000007 4e 0001 6e", "1 values for the 2 columns of relation 7"},
		{"49 00000007 4e 0002 6e 62 00000001 00", `value of kind 'b'`}, // binary, which was not asked for
		{"49 00000007 4e 0002 6e 75", "an inserted row without 1 of its values"},
		{"49 00000007 4e 0002 6e 6e 00", "1 bytes too long"},
		{"49 00000007 4e 0002 6e 74 00000002 00", "it is cut"},
		{"49 00000007 4e 0002 6e 74 ffffffff 00", "it is cut"},
		{"55 00000007 4b 0002 6e 6e 4b 0002 6e 6e", `tuple of kind 'K'`},
		{"44 00000007 4e 0002 6e 6e", `tuple of kind 'N'`},
		{"54 00000002 00 00000007", "it is cut"},
		{"54 ffffffff 00 00000007", "it is cut"},
		{"54 00000001 00 00000008", "relation 8 was not described"},
		{"4d 02 0000000000000010 00 00000000", "unknown flags 0x2"},
		{"4d 01 0000000000000010 70 00000000", "it is cut"},
		{"52 00000000 00 00 64 0000", `relation "" has no OID`},
		{"52 00000007 00 00 64 ffff 00", "it is cut"},
		{"59 00000007 61", "it is cut"},
	} {
		raw := unhex(c.message)
		_, err := described(t).decode(raw, &Message{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", c.message, err, c.want)
		}
		if len(raw) > 0 && !strings.Contains(err.Error(), strings.ReplaceAll(c.message, " ", "")) {
			t.Errorf("%s: the bytes are not named: %v", c.message, err)
		}
	}
}

func TestRelationPointerChangesWithTheMessageOnly(t *testing.T) {
	d := described(t)
	row := unhex("49 00000007 4e 0002 6e 6e")
	relationOf := func() *Relation {
		var m Message
		if _, err := d.decode(row, &m); err != nil {
			t.Fatal(err)
		}
		return m.Relation
	}
	first := relationOf()
	if relationOf() != first {
		t.Error("another pointer without a relation message")
	}
	if _, err := d.decode(relationMessage(8, "other"), &Message{}); err != nil || relationOf() != first {
		t.Error("another pointer after the message of another relation")
	}
	if _, err := d.decode(relationMessage(7, "t", "id", "name"), &Message{}); err != nil || relationOf() == first {
		t.Error("the same pointer after a relation message")
	}
}

// TestDecodeStaysInsideTheMessage is a law: whatever the bytes, nothing that is handed out lies outside of them, even
// where the memory goes on.
func TestDecodeStaysInsideTheMessage(t *testing.T) {
	valid := capturedMessages(t)
	rapid.Check(t, func(t *rapid.T) {
		raw := slices.Clone(rapid.SampledFrom(valid).Draw(t, "message"))
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		raw = raw[:rapid.IntRange(0, len(raw)).Draw(t, "cut")]
		decodeInside(t, decoderOf(valid), raw)
	})
}

// fataler is a *testing.T, *testing.F or *rapid.T.
type fataler interface {
	Fatalf(format string, args ...any)
}

// decodeInside decodes raw in memory that goes on behind it with bytes that would show.
func decodeInside(t fataler, d *decoder, raw []byte) {
	const beyond = 0xEE
	memory := append(slices.Clone(raw), bytes.Repeat([]byte{beyond}, 4096)...)
	inside := memory[:len(raw)]
	var m Message
	if _, err := d.decode(inside, &m); err != nil {
		return
	}
	for _, p := range append(slices.Clone(m.Values), m.Prefix, m.Content) {
		if len(p) != cap(p) {
			t.Fatalf("%q may be appended to, over what follows it", p)
		}
		for i := range p {
			p[i] = beyond ^ 0xFF
		}
	}
	if !bytes.Equal(memory[len(raw):], bytes.Repeat([]byte{beyond}, 4096)) {
		t.Fatalf("%x reaches beyond its end", raw)
	}
}

// capturedMessages are all pgoutput messages of the captures.
func capturedMessages(t testing.TB) [][]byte {
	t.Helper()
	var messages [][]byte
	for _, major := range captured {
		f := newFrames(bytes.NewReader(readCapture(t, major)))
		for {
			_, body, err := f.next()
			if err != nil {
				break
			}
			if body[0] == copyXLogData {
				messages = append(messages, slices.Clone(body[xlogDataHeader:]))
			}
		}
	}
	if len(messages) < 100 {
		t.Fatalf("only %d messages", len(messages))
	}
	return messages
}

// decoderOf knows the relations of the captures.
func decoderOf(messages [][]byte) *decoder {
	d := newDecoder()
	for _, raw := range messages {
		if raw[0] == msgRelation {
			_, _ = d.decode(raw, &Message{})
		}
	}
	return d
}
