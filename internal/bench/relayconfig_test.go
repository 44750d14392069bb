package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/config"
)

// TestRelayConfig: what costs or saves time reaches the relay, and every name is ours. The file is read by the loader
// that the relay uses.
func TestRelayConfig(t *testing.T) {
	given := config.Default()
	given.Name, given.Outbox.Table, given.Routing.Topic = "shop", "public.precious", "precious"
	given.Source = config.Source{
		URL: `postgres://relay:p%40ss"word@db.internal:5432/shop?sslmode=require`, PasswordFile: "a file", Slot: "relay_shop",
		Publication: "outbox", Failover: "auto", WalSenderTimeout: config.Duration(30 * time.Second),
	}
	given.Kafka.Brokers = []string{"kafka-1:9092", "kafka-2:9092"}
	given.Kafka.Compression, given.Kafka.TransactionTimeout, given.Kafka.CheckpointTopic = "zstd", config.Duration(time.Minute), "precious.checkpoints"
	given.Batch = config.Batch{MaxEvents: 1234, MaxBytes: 3 << 20, Memory: 90 << 20}

	file := filepath.Join(t.TempDir(), "relay.yaml")
	n := names{"abc123"}
	if err := os.WriteFile(file, []byte(relayConfig(given, n, given.Kafka.Brokers, n.events(4))), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(config.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Name = "bench-abc123"
	want.Source = given.Source
	want.Source.Slot, want.Source.Publication, want.Source.Failover = "relay_bench_abc123_run", "relay_bench_abc123", "never"
	want.Outbox.Table, want.Routing.Topic = "relay_bench_abc123.event", "relay-bench-abc123.events-4"
	want.Kafka.Brokers, want.Kafka.Compression, want.Kafka.TransactionTimeout = given.Kafka.Brokers, "zstd", config.Duration(time.Minute)
	want.Kafka.CheckpointTopic, want.Failure.ParkedTopic = "relay-bench-abc123.checkpoints", "relay-bench-abc123.parked"
	want.Batch = given.Batch
	want.Server.Listen, want.Log.Format = "", "json"
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Errorf("configuration of the relay (-want +got):\n%s", diff)
	}
}

func TestWithoutPassword(t *testing.T) {
	tests := []struct{ in, want string }{
		{"postgres://relay:s%40cret@db:5432/shop?sslmode=require", "postgres://relay@db:5432/shop?sslmode=require"},
		{"postgresql://relay@db/shop?password=secret&sslmode=disable", "postgresql://relay@db/shop?sslmode=disable"},
		{"postgres://", "postgres://"},
		{"postgres://?sslmode=require&password=secret", "postgres://?sslmode=require"},
		{"host=db password=secret dbname=shop", "host=db dbname=shop"},
		{`host=db password = 'se cr\'et' dbname=shop`, "host=db dbname=shop"},
		{"host=db user=relay", "host=db user=relay"},
	}
	for _, tt := range tests {
		got, err := withoutPassword(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("withoutPassword(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestSplitPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		source config.Source
		want   string
	}{
		{config.Source{URL: "postgres://relay:in-url@db/shop"}, "in-url"},
		{config.Source{URL: "postgres://relay:in-url@db/shop", PasswordFile: file}, "from-file"},
		{config.Source{URL: "host=db user=relay password=in-words"}, "in-words"},
	}
	for _, tt := range tests {
		_, got, err := splitPassword(tt.source)
		if err != nil || got != tt.want {
			t.Errorf("password of %q is %q, %v, want %q", tt.source.URL, got, err, tt.want)
		}
	}
}
