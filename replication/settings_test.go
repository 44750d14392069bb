package replication

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPinnedSettingsWinOverTheConnectionString(t *testing.T) {
	t.Setenv("PGTZ", "Asia/Tokyo")
	config, err := Config{
		ConnString: "host=localhost datestyle=German TIMEZONE=Europe/Berlin work_mem=1MB application_name=mine wal_sender_timeout=1h",
		Slot:       "s", Publication: "p",
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.parse()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"work_mem": "1MB", "application_name": "mine", "wal_sender_timeout": "10000ms", "client_min_messages": "warning", "row_security": "off",
	}
	for _, s := range textSettings() {
		want[s.name] = s.value
	}
	if diff := cmp.Diff(want, parsed.RuntimeParams); diff != "" {
		t.Error(diff)
	}
}

func TestConfig(t *testing.T) {
	valid := Config{Slot: "s", Publication: "p", SenderTimeout: time.Second, Logger: slog.Default()}
	if got, err := valid.withDefaults(); err != nil || got.SenderTimeout != time.Second {
		t.Errorf("%+v, %v", got, err)
	}
	for want, change := range map[string]func(c *Config){
		"slot is empty":              func(c *Config) { c.Slot = "" },
		"publication is empty":       func(c *Config) { c.Publication = "" },
		"sender timeout 1ms is":      func(c *Config) { c.SenderTimeout = time.Millisecond },
		"sender timeout -1s is":      func(c *Config) { c.SenderTimeout = -time.Second },
		"sender timeout 48h0m0s is ": func(c *Config) { c.SenderTimeout = 48 * time.Hour },
	} {
		c := valid
		change(&c)
		if _, err := c.withDefaults(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := fingerprint(true, 170011)
	if fingerprint(true, 170012) != base {
		t.Error("a minor version changes it")
	}
	for _, other := range []string{fingerprint(false, 170011), fingerprint(true, 180001)} {
		if other == base {
			t.Errorf("%s stays the same", base)
		}
	}
	if !strings.Contains(base, `DateStyle="ISO, MDY"`) {
		t.Errorf("%s lacks a pinned setting", base)
	}
}

// TestParseReasonKeepsSecrets feeds connection strings that are malformed around a password.
func TestParseReasonKeepsSecrets(t *testing.T) {
	for _, connString := range []string{
		"postgres://relay:s3cret/@host/db", "postgres://relay:s3cret@host:port/db", "postgres://a@relay:s3cret@host/db", "postgres://relay:s3cret%zz@host",
		"host=h password='s3cret", "host=h password=s3cret sslmode=nonsense", "host=h password s3cret", "host=h port=s3cret", "connect_timeout=s3cret",
		"postgres://h/db?password=s3cret&sslrootcert=/none&sslmode=verify-full", "target_session_attrs=s3cret", "service=none password=s3cret",
	} {
		_, err := Config{ConnString: connString, Slot: "s", Publication: "p"}.parse()
		if err == nil {
			t.Errorf("%s is understood", connString)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), "parse the connection string: ") {
			t.Errorf("%s: %v", connString, err)
		}
	}
}
