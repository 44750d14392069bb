package outbox

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestPositionText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Position{
			Timeline: rapid.Uint32().Draw(t, "timeline"), Index: rapid.Uint32().Draw(t, "index"),
			CommitLSN: LSN(rapid.Uint64().Draw(t, "lsn")),
		}
		if got := string(p.AppendTo([]byte("x"))); got != "x"+p.String() {
			t.Fatalf("AppendTo gives %q, String %q", got, p)
		}
		if len(p.String()) != PositionLen {
			t.Fatalf("%q has %d characters, want %d", p, len(p.String()), PositionLen)
		}
		if back, err := ParsePosition(p.String()); err != nil || back != p {
			t.Fatalf("%q is read as %v, %v", p, back, err)
		}
	})
}

// Fixed width makes the text sort as the position does, within a timeline.
func TestPositionTextSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Position {
			return Position{Timeline: 1, Index: rapid.Uint32().Draw(t, name), CommitLSN: LSN(rapid.Uint64().Draw(t, name))}
		}
		a, b := draw("a"), draw("b")
		less := a.CommitLSN < b.CommitLSN || a.CommitLSN == b.CommitLSN && a.Index < b.Index
		if (a.String() < b.String()) != less {
			t.Fatalf("%v and %v sort differently as text", a, b)
		}
	})
}

func TestParsePositionRefuses(t *testing.T) {
	for _, s := range []string{
		"", "1", "00000001-00000016B374D848-0000000", "00000001-00000016B374D848-000000071",
		"00000001_00000016B374D848-00000007", "0000000g-00000016B374D848-00000007", "+0000001-00000016B374D848-00000007",
		"00000001-0000 016B374D848-00000007", "00000001-00000016b374d848-00000007",
	} {
		if p, err := ParsePosition(s); err == nil {
			t.Errorf("%q is read as %v", s, p)
		}
	}
}

func TestPositionAppendToDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, PositionLen)
	p := Position{Timeline: 1, Index: 2, CommitLSN: 3}
	if n := testing.AllocsPerRun(100, func() { buf = p.AppendTo(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLSNText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := LSN(rapid.Uint64().Draw(t, "lsn"))
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var back LSN
		if err := json.Unmarshal(text, &back); err != nil || back != l {
			t.Fatalf("%s is read as %v, %v", text, back, err)
		}
	})
	if got := LSN(0x16B374D848).String(); got != "16/B374D848" {
		t.Errorf("printed as %s, Postgres prints 16/B374D848", got)
	}
	for _, s := range []string{"", "0", "/", "0/", "/0", "g/0", "0/123456789", "0/-1", "0/0/0", "0x1/0", " 0/0"} {
		if l, err := ParseLSN(s); err == nil {
			t.Errorf("%q is read as %s", s, l)
		}
	}
}
