package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lines writes to b, with a clock of its own.
func lines(b *strings.Builder, terminal bool) (*Lines, *time.Time) {
	l := NewLines(b, terminal)
	now := time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)
	l.begun, l.now = now, func() time.Time { return now }
	return l, &now
}

func TestProgressOnATerminal(t *testing.T) {
	var b strings.Builder
	l, now := lines(&b, true)
	l.Step(0, 2, "first")
	*now = now.Add(time.Second)
	l.Step(1, 2, "second")
	l.Done("clearing up")
	want := "\r\x1b[K0s  [1/2] first\r\x1b[K1s  [2/2] second\r\x1b[K1s  clearing up\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Elsewhere it is a line every ten seconds, the first at once and the last always.
func TestProgressInALog(t *testing.T) {
	var b strings.Builder
	l, now := lines(&b, false)
	for i := range 25 {
		l.Step(i, 25, "step")
		*now = now.Add(time.Second)
	}
	l.Done("clearing up")
	want := "0s  [1/25] step\n10s  [11/25] step\n20s  [21/25] step\n25s  clearing up\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
