package config_test

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/config"
)

func TestCleanupBounds(t *testing.T) {
	for text, want := range map[string]string{
		"{keep: 24h, lock_timeout: 100ms}": "",
		"{keep: 144h, lock_timeout: 30s}":  "",
		"{keep: 23h59m}":                   "outbox.cleanup.keep: 23h59m is outside 24h to 144h",
		"{keep: 145h}":                     "outbox.cleanup.keep: 145h is outside 24h to 144h",
		"{lock_timeout: 0}":                "outbox.cleanup.lock_timeout: 0s is outside 100ms to 30s",
		"{lock_timeout: 31s}":              "outbox.cleanup.lock_timeout: 31s is outside 100ms to 30s",
	} {
		_, err := load(t, minimal+"outbox: {cleanup: "+text+"}\n", config.Options{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestCleanupThatHasNoEffect is a warning where somebody has written it down, and nothing where it is the default.
func TestCleanupThatHasNoEffect(t *testing.T) {
	for text, want := range map[string]string{
		"{cleanup: {enabled: true}}":                                     "",
		"{format: custom}":                                               "",
		"{format: custom, cleanup: {enabled: false}}":                    "",
		"{format: custom, cleanup: {enabled: true}}":                     "outbox.cleanup is ignored: outbox.format is custom",
		"{format: debezium, table: public.o, cleanup: {enabled: true}}":  "outbox.cleanup is ignored: outbox.format is debezium",
		`{table: "", wal_messages: outbox, cleanup: {enabled: true}}`:    "outbox.cleanup is ignored: outbox.table is empty",
		`{table: "", wal_messages: outbox, cleanup: {lock_timeout: 1s}}`: "",
		"{format: debezium, table: public.o, cleanup: {enabled: false}}": "",
	} {
		l, err := load(t, minimal+"outbox: "+text+"\n", config.Options{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(l.Warnings, "\n"); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: warnings %q, want %q", text, got, want)
		}
	}
}
