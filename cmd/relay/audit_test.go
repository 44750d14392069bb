package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
)

// audited is a report with one thing wrong and one that cannot be told.
func audited() *audit.Report {
	oldest := noon().Add(-72 * time.Hour)
	r := &audit.Report{
		Relay: "payments", Began: noon(), Ended: noon().Add(12 * time.Second),
		Rows:       &audit.Rows{Tables: []string{"outbox.event"}, Read: 4120333, Asked: 4120333, Once: 4120330, Parked: 2, Oldest: &oldest},
		Events:     audit.Events{Read: 4500123, Foreign: 3, First: 1, Last: 4500123, Gone: 379791, Later: 17},
		Partitions: []audit.Partition{{Topic: "payment.events", Partition: 3, To: 99121, Events: 4500123}},
		Reach:      []string{"Proved for rows still in the table: since 2026-11-21T12:00:00Z."},
		Findings: []audit.Finding{
			{Kind: audit.Missing, Items: []audit.Item{}},
			{Kind: audit.Differs, Count: 12, Items: make([]audit.Item, 12)},
		},
		Unproved: []audit.Finding{{Kind: audit.Waiting, Items: []audit.Item{}}, {Kind: audit.BeforeRelay, Count: 1, Items: []audit.Item{{ID: "old"}}}},
	}
	for i := range r.Findings[1].Items {
		r.Findings[1].Items[i] = audit.Item{ID: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01", At: []string{"payment.events/3@99120"}}
	}
	r.Checkpoint.ResumeLSN, r.Checkpoint.EventsTotal = 0x7A41C98, 4500123
	return r
}

func TestAuditForms(t *testing.T) {
	a := newTestApp(t, fakeEngine{audit: func(context.Context, setup, audit.Options) (*audit.Report, error) { return audited(), nil }})
	for _, format := range []string{"table", "json", "yaml"} {
		a.out.Reset()
		if code := a.main([]string{"audit", "-o", format}); code != fault.ExitWanting {
			t.Errorf("-o %s: exit code %d", format, code)
		}
		golden(t, "testdata/audit."+format, a.out.String())
	}
	wants(t, a.err.String(), "audit of relay \"payments\" found 12", "[RLY6004]")
}

func TestAuditEnds(t *testing.T) {
	waiting := &audit.Report{Unproved: []audit.Finding{{Kind: audit.Waiting, Count: 5}}}
	tests := []struct {
		name   string
		report *audit.Report
		err    error
		want   int
	}{
		{"all is well", &audit.Report{}, nil, fault.ExitDone},
		{"something is wrong", audited(), nil, fault.ExitWanting},
		{"rows wait", waiting, nil, fault.ExitTimeout},
		{"Kafka is away", nil, &fault.Error{Code: fault.KafkaUnreachable, Summary: "cannot reach Kafka"}, fault.ExitUnreachable},
		{"the disk is full", nil, errors.New("write temporary file: no space left"), fault.ExitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestApp(t, fakeEngine{audit: func(context.Context, setup, audit.Options) (*audit.Report, error) { return tt.report, tt.err }})
			if code := a.main([]string{"audit"}); code != tt.want {
				t.Errorf("exit code %d, want %d: %s", code, tt.want, a.err.String())
			}
		})
	}
}

func TestAuditPassesItsFlags(t *testing.T) {
	var got audit.Options
	a := newTestApp(t, fakeEngine{audit: func(_ context.Context, _ setup, o audit.Options) (*audit.Report, error) {
		got = o
		return &audit.Report{}, nil
	}})
	file := filepath.Join(t.TempDir(), "report.json")
	args := []string{"audit", "--since", "24h", "--topic", "a,b", "--rows-may-go", "--wait", "3s", "--memory", "1MiB", "--temp-dir", "/spill", "--report", file}
	if code := a.main(args); code != fault.ExitDone {
		t.Fatalf("exit code %d: %s", code, a.err.String())
	}
	if since := time.Since(got.Since); since < 24*time.Hour || since > 25*time.Hour {
		t.Errorf("since %s", got.Since)
	}
	if strings.Join(got.Topics, " ") != "a b" || !got.RowsMayGo || got.Wait != 3*time.Second || got.Memory != 1<<20 || got.Dir != "/spill" {
		t.Errorf("options %+v", got)
	}
	if text, err := os.ReadFile(file); err != nil || !json.Valid(text) {
		t.Errorf("report: %v, %s", err, text)
	}
	for _, wrong := range [][]string{{"--memory", "much"}, {"--since", "-1h"}, {"-o", "name"}} {
		if code := a.main(append([]string{"audit"}, wrong...)); code != fault.ExitUsage {
			t.Errorf("%v: exit code %d", wrong, code)
		}
	}
}

func TestProgressBar(t *testing.T) {
	at := noon()
	for name, terminal := range map[string]bool{"on a terminal": true, "elsewhere": false} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			p := newProgressBar(&b, terminal)
			p.now, p.begun, p.said = func() time.Time { return at }, at, at
			for range 200 { // every 100 ms
				at = at.Add(barEvery)
				p.show("reading Kafka", 4_500_000, 10_000_000)
			}
			p.end()
			want, times := "  10s  reading Kafka  4,500,000 of 10,000,000, 45 %\n", 2
			if terminal {
				want, times = clearLine+" 10s  reading Kafka  [=============                 ] 45 %", 200
			}
			if got := strings.Count(b.String(), "reading Kafka"); got != times || !strings.Contains(b.String(), strings.TrimLeft(want, " ")) {
				t.Errorf("%d times, printed %q", got, b.String()[:min(200, b.Len())])
			}
		})
	}
}
