package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

const minimal = `name: payments
source: {url: "postgres://relay@localhost/shop"}
kafka: {brokers: ["kafka-1:9092"]}
`

// load writes text to relay.yaml in a directory of its own, which is the working directory meanwhile.
func load(t *testing.T, text string, o config.Options) (*config.Loaded, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("relay.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(o)
}

// printed is the error as a person sees it.
func printed(err error) string {
	var b strings.Builder
	fault.Write(&b, err, fault.Style{})
	return b.String()
}

func TestMinimalFile(t *testing.T) {
	l, err := load(t, minimal, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Name = "payments"
	want.Source.URL = "postgres://relay@localhost/shop"
	want.Source.Slot = "relay_payments"
	want.Kafka.Brokers = []string{"kafka-1:9092"}
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if l.File != "relay.yaml" || len(l.Warnings) > 0 {
		t.Errorf("file %q, warnings %q", l.File, l.Warnings)
	}
}

func TestPrecedence(t *testing.T) {
	l, err := load(t, minimal+"batch: {max_events: 10, max_bytes: 1MiB}\nlog: {level: debug}\n", config.Options{
		Environ: []string{
			"PATH=/bin", "RELAY_BATCH_MAX_BYTES=2MiB", "RELAY_LOG_LEVEL=warn", "RELAY_KAFKA_BROKERS=a:1, b:2",
			"RELAY_ROUTING_HEADERS={transaction: tx}", `RELAY_ROUTING_RULES=[{match: {aggregate_type: ^ledger$}, topic: ledger}]`,
			"RELAY_SERVER_LISTEN=", "RELAY_KAFKA_DEVELOPMENT=true", "RELAY_SOURCE_WAL_SENDER_TIMEOUT=1m30s",
		},
		Set: []string{"log.level=error", "outbox.wal_messages=a=b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	got := map[string]any{
		"max_events": c.Batch.MaxEvents, "max_bytes": c.Batch.MaxBytes, "level": c.Log.Level, "brokers": c.Kafka.Brokers,
		"headers": c.Routing.Headers, "rules": c.Routing.Rules, "listen": c.Server.Listen, "dev": c.Kafka.Development,
		"timeout": c.Source.WalSenderTimeout.Std(), "prefix": c.Outbox.WALMessages,
	}
	want := map[string]any{
		"max_events": 10, "max_bytes": config.Size(2 << 20), "level": "error", "brokers": []string{"a:1", "b:2"},
		"headers": map[string]string{"id": "id", "type": "type", "transaction": "tx"},
		"rules":   []config.Rule{{Match: map[string]string{"aggregate_type": "^ledger$"}, Topic: "ledger"}},
		"listen":  "", "dev": true, "timeout": 90 * time.Second, "prefix": "a=b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	origins := map[string]string{}
	for _, path := range []string{"name", "batch.max_events", "batch.max_bytes", "log.level", "log.format"} {
		origins[path] = l.Origins[path].String()
	}
	wantOrigins := map[string]string{
		"name": "relay.yaml:1", "batch.max_events": "relay.yaml:4",
		"batch.max_bytes": "RELAY_BATCH_MAX_BYTES", "log.level": "--set", "log.format": "default",
	}
	if diff := cmp.Diff(wantOrigins, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

// TestWhichFile walks down the order: flag, variable, working directory.
func TestWhichFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"flag", "env", "relay"} {
		if err := os.WriteFile(name+".yaml", []byte(strings.Replace(minimal, "payments", name, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"RELAY_CONFIG=" + filepath.Join(dir, "env.yaml")}
	for _, tt := range []struct {
		options config.Options
		want    string
	}{
		{config.Options{Path: "flag.yaml", Environ: environ}, "flag"},
		{config.Options{Environ: environ}, "env"},
		{config.Options{}, "relay"},
	} {
		l, err := config.Load(tt.options)
		if err != nil {
			t.Fatal(err)
		}
		if l.Config.Name != tt.want {
			t.Errorf("read the file of %q, want %q", l.Config.Name, tt.want)
		}
	}
}

func TestNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := os.Stat("/etc/relay/relay.yaml"); err == nil {
		t.Skip("this machine has a configuration of its own")
	}
	environ := []string{"RELAY_NAME=a", "RELAY_SOURCE_URL=postgres://", "RELAY_KAFKA_BROKERS=k:1"}
	if _, err := config.Load(config.Options{Environ: environ}); err != nil {
		t.Errorf("variables alone: %v", err)
	}
	_, err := config.Load(config.Options{})
	if got := printed(err); !strings.Contains(got, "name: is missing") || !strings.Contains(got, "Hint: No configuration file was found") {
		t.Errorf("nothing at all: %s", got)
	}
}

// TestPrintedFileLoads: what config print shows is a configuration, and the same one.
func TestPrintedFileLoads(t *testing.T) {
	first, err := load(t, minimal+`
outbox: {format: custom, columns: {id: "#id", payload: "true"}}
routing: {rules: [{match: {aggregate_type: '^a: "b"$'}, topic: ledger}], tombstone: "null"}
`, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := first.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	second, err := load(t, b.String(), config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if diff := cmp.Diff(first.Config, second.Config); diff != "" {
		t.Errorf("loaded again (-want +got):\n%s\n%s", diff, b.String())
	}
	for _, want := range []string{"name: payments", "# relay.yaml:1", "# default"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// TestExampleHasEveryKey keeps the example and the struct in step: uncommented it loads, has every key, and shows defaults.
func TestExampleHasEveryKey(t *testing.T) {
	if _, err := load(t, config.Example(), config.Options{}); err != nil {
		t.Errorf("as it is: %s", printed(err))
	}
	var b strings.Builder
	for line := range strings.Lines(config.Example()) {
		if trimmed := strings.TrimLeft(line, " "); strings.HasPrefix(trimmed, "#") && !strings.HasPrefix(trimmed, "# ") {
			line = strings.Replace(line, "#", "", 1)
		}
		b.WriteString(line)
	}
	l, err := load(t, b.String(), config.Options{})
	if err != nil {
		t.Fatalf("uncommented: %s\n%s", printed(err), b.String())
	}
	for path, origin := range l.Origins {
		if origin.Source != "relay.yaml" {
			t.Errorf("the example lacks %s", path)
		}
	}
	want := config.Default()
	want.Name, want.Source.Slot, want.Source.URL, want.Kafka.Brokers =
		l.Config.Name, "relay_payments", l.Config.Source.URL, l.Config.Kafka.Brokers
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Errorf("the example shows other defaults (-default +example):\n%s", diff)
	}
}

// TestAddressesInBraces: the form of the documentation, with all of it on one line.
func TestAddressesInBraces(t *testing.T) {
	for _, list := range []string{`[kafka-1:9092, "kafka-2:9092"]`, `[127.0.0.1:9092]`, `[a:1, b:2]`} {
		path := filepath.Join(t.TempDir(), "relay.yaml")
		if err := os.WriteFile(path, []byte("name: a\nsource: {url: 'postgres://h/d'}\nkafka: {brokers: "+list+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Options{Path: path})
		if err != nil {
			t.Errorf("%s: %v", list, err)
			continue
		}
		want := strings.NewReplacer("[", "", "]", "", `"`, "", " ", "").Replace(list)
		if got := strings.Join(l.Config.Kafka.Brokers, ","); got != want {
			t.Errorf("%s: read as %s", list, got)
		}
	}
}
