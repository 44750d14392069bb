package audit

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

func TestEntriesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entry{
			kind: kind(rapid.ByteRange(1, 4).Draw(t, "kind")), content: rapid.Uint64().Draw(t, "content"), xid: rapid.Uint32().Draw(t, "xid"),
			created: rapid.Int64().Draw(t, "created"), topic: rapid.Uint32().Draw(t, "topic"), asked: rapid.Bool().Draw(t, "asked"),
			bad: rapid.Bool().Draw(t, "bad"), partition: rapid.Uint32().Draw(t, "partition"), offset: rapid.Int64().Draw(t, "offset"),
			position: outbox.Position{
				Timeline: rapid.Uint32().Draw(t, "timeline"), CommitLSN: outbox.LSN(rapid.Uint64().Draw(t, "lsn")), Index: rapid.Uint32().Draw(t, "index"),
			},
			later: rapid.Bool().Draw(t, "later"),
		}
		var got entry
		got.read(want.appendTo(nil))
		if got != want {
			t.Fatalf("%+v came back as %+v", want, got)
		}
	})
}

func TestIDsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 40),
			rapid.Map(rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), func(s string) []byte { return []byte(s) }),
			rapid.Map(rapid.StringMatching(`[0-9a-fA-F-]{36}`), func(s string) []byte { return []byte(s) }),
		).Draw(t, "id")
		key := appendKey(nil, id)
		if got := idOf(key); got != string(id) {
			t.Fatalf("%q came back as %q", id, got)
		}
		if other := appendKey(nil, []byte(idOf(key))); !bytes.Equal(key, other) {
			t.Fatalf("%q has the keys %x and %x", id, key, other)
		}
	})
	if key := appendKey(nil, []byte("0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01")); len(key) != 17 {
		t.Errorf("a uuid takes %d bytes", len(key))
	}
}
