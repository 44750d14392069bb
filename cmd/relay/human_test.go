package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/outbox"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 180 * time.Millisecond: "180ms", 59 * time.Second: "59s",
		3*time.Minute + 59*time.Second: "3m", 47 * time.Hour: "47h", 48 * time.Hour: "2d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1KiB", 6758: "6.6KiB", 12 << 20: "12MiB", -2048: "-2KiB", 5 << 50: "5120TiB"} {
		if got := byteCount(n); got != want {
			t.Errorf("byteCount(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	for budget, want := range map[config.Size]int64{48 << 20: 56 << 20, 8 << 20: 16 << 20, 1 << 30: 1152 << 20} {
		if got := memoryLimit(budget); got != want {
			t.Errorf("memoryLimit(%s) = %d, want %d", budget, got, want)
		}
	}
}

func TestLogForPeople(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, config.Log{Level: "info", Format: "auto"}, true, false)
	log.Info("slot owned", "slot", "relay_payments", "confirmed_flush", outbox.LSN(0x7A3F2B8), "took", 212*time.Millisecond)
	log.Warn("not streaming", slog.String("reason", "no broker"))
	log.Debug("not shown")
	got := strings.Split(b.String(), "\n")
	for i, want := range []string{
		"INFO  slot owned       slot=relay_payments confirmed_flush=0/7A3F2B8 took=212ms",
		`WARN  not streaming    reason="no broker"`,
		"",
	} {
		_, line, _ := strings.Cut(got[i], " ")
		if line != want {
			t.Errorf("line %q, want %q", line, want)
		}
	}
	b.Reset()
	newLogger(&b, config.Log{Level: "debug", Format: "text"}, true, true).Debug("shown")
	if !strings.Contains(b.String(), "\x1b[") || !strings.Contains(b.String(), "DEBUG") {
		t.Errorf("with colour: %q", b.String())
	}
}

func TestLogForMachines(t *testing.T) {
	for format, want := range map[string]string{
		"auto": `"level":"INFO","msg":"slot owned","confirmed_flush":"0/7A3F2B8","took":"212ms"}`,
		"json": `"level":"INFO","msg":"slot owned","confirmed_flush":"0/7A3F2B8","took":"212ms"}`,
		"text": `level=INFO msg="slot owned" confirmed_flush=0/7A3F2B8 took=212ms`,
	} {
		var b bytes.Buffer
		newLogger(&b, config.Log{Level: "info", Format: format}, false, false).
			Info("slot owned", "confirmed_flush", outbox.LSN(0x7A3F2B8), "took", 212*time.Millisecond)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: %q, want %q", format, b.String(), want)
		}
	}
}
