package replication

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	type read struct {
		after time.Duration
		n     int
	}
	many := func(k int, r read) (reads []read) {
		for range k {
			reads = append(reads, r)
		}
		return reads
	}
	for name, c := range map[string]struct {
		reads [][]read
		bulk  bool
	}{
		"a lone event":                {[][]read{{{time.Second, 500}}}, false},
		"a steady trickle":            {[][]read{many(1000, read{200 * time.Microsecond, 500})}, false},
		"one window full":             {[][]read{many(100, read{5 * time.Microsecond, 600})}, true},
		"as much, but in two windows": {[][]read{many(100, read{100 * time.Microsecond, 600})}, false},
		"one large read":              {[][]read{{{time.Second, 64 << 10}, {time.Microsecond, 64 << 10}}}, true},
		"bulk goes on":                {[][]read{many(100, read{5 * time.Microsecond, 600}), many(50, read{3 * time.Millisecond, 64 << 10})}, true},
		"short pauses in bulk":        {[][]read{many(100, read{5 * time.Microsecond, 600}), many(50, read{2 * time.Millisecond, 20 << 10})}, true},
		"one thin window in bulk":     {[][]read{many(100, read{5 * time.Microsecond, 600}), {{bulkWait, 100}}, many(2, read{time.Millisecond, 64 << 10})}, true},
		"two thin windows end it":     {[][]read{many(100, read{5 * time.Microsecond, 600}), many(2, read{bulkWait, 100})}, false},
		"silence ends it":             {[][]read{many(100, read{5 * time.Microsecond, 600}), many(2, read{bulkWait, 0})}, false},
		"and it begins again":         {[][]read{many(100, read{5 * time.Microsecond, 600}), many(2, read{bulkWait, 0}), many(100, read{5 * time.Microsecond, 600})}, true},
	} {
		var p pacer
		now := time.Unix(1, 0)
		changes := 0
		for _, reads := range c.reads {
			for _, r := range reads {
				now = now.Add(r.after)
				was := p.bulk
				changed := p.observe(now, r.n)
				if changed != (was != p.bulk) {
					t.Errorf("%s: changed %t, but %t became %t", name, changed, was, p.bulk)
				}
				if changed {
					changes++
				}
			}
		}
		if p.bulk != c.bulk || c.bulk == (changes%2 == 0) {
			t.Errorf("%s: bulk %t after %d changes", name, p.bulk, changes)
		}
	}
}
