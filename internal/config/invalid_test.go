package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestProblemsHaveTheirPlace compares whole errors: place, text and caret.
func TestProblemsHaveTheirPlace(t *testing.T) {
	const hint = "\nHint: `relay config example` prints a file with every key and its default.\n"
	tests := []struct {
		name, text, want string
	}{
		{"unknown key", minimal + "batch:\n  max_event: 5\n", `
relay: relay.yaml:5:3: unknown key "batch.max_event"; did you mean "batch.max_events"? [RLY3001]
     5 |   max_event: …
       |   ^`},
		{"unknown section", minimal + "sevrer: {listen: 'a:1'}\n", `
relay: relay.yaml:4:1: unknown key "sevrer"; did you mean "server"? [RLY3001]
     4 | sevrer: …
       | ^`},
		{"key of another section", minimal + "slot: x\n", `
relay: relay.yaml:4:1: unknown key "slot"; did you mean "source.slot"? [RLY3001]
     4 | slot: …
       | ^`},
		{"duplicate key", "name: a\n" + minimal, `
relay: relay.yaml:2:1: duplicate key "name": it is in line 1 already [RLY3001]
     2 | name: …
       | ^`},
		{"duplicate key in flow style", minimal + "batch: {memory: 64MiB, memory: 64MiB}\n", `
relay: relay.yaml:4:24: duplicate key "batch.memory": it is in line 4 already [RLY3001]
     4 | batch: {memory: 64MiB, memory: …
       |                        ^`},
		{"key to come", "name: a\nsource: {url: 'postgres://db/shop'}\nkafka2: 1\nkafka:\n  brokers: ['k:1']\n  tls: {enabled: true}\n", `
relay: 2 errors in the configuration [RLY3001]
  relay.yaml:3:1: unknown key "kafka2"; did you mean "kafka"?
       3 | kafka2: …
         | ^
  relay.yaml:6:3: key "kafka.tls" is not implemented yet; remove it
       6 |   tls: …
         |   ^`},
		{"not an address", minimal + "tracing: {otlp_endpoint: 'otel:4317'}\n", `
relay: relay.yaml:4:26: tracing.otlp_endpoint: "otel:4317" is not the base address of a collector that takes OTLP over HTTP; write one, as in http://127.0.0.1:4318, or "" for no spans [RLY3001]
     4 | tracing: {otlp_endpoint: 'otel:4317'}
       |                          ^`},
		{"an address with a user", minimal + "tracing: {otlp_endpoint: 'http://u:hunter2@otel:4318'}\n", `
relay: relay.yaml:4:26: tracing.otlp_endpoint: is no address, or one with a user; write one without, as in http://127.0.0.1:4318 [RLY3001]
     4 | tracing: …
       |           ^`},
		{"value to come", minimal + "outbox: {format: cap}\n", `
relay: relay.yaml:4:18: outbox.format: "cap" is not implemented yet; write relay, custom or debezium [RLY3001]
     4 | outbox: {format: cap}
       |                  ^`},
		{"bad duration", minimal + "server: {ready_max_lag: 30}\n", `
relay: relay.yaml:4:25: server.ready_max_lag: "30" is not a duration: write a number and a unit (ms, s, m, h), as in 10s or 1m30s [RLY3001]
     4 | server: {ready_max_lag: 30}
       |                         ^`},
		{"bad size", minimal + "batch:\n  memory: 64MB # much\n", `
relay: relay.yaml:5:11: batch.memory: "64MB" is not a size: write a whole number and a unit (B, KiB, MiB, GiB, TiB), as in 64MiB [RLY3001]
     5 |   memory: 64MB # much
       |           ^`},
		{"bad number", minimal + "batch: {max_events: many}\n", `
relay: relay.yaml:4:21: batch.max_events: "many" is not a whole number [RLY3001]
     4 | batch: {max_events: many}
       |                     ^`},
		{"out of range", minimal + "batch: {max_events: 0}\n", `
relay: relay.yaml:4:21: batch.max_events: 0 is outside 1 to 1000000; one event a transaction is slow, more than a million keep a transaction open for too long [RLY3001]
     4 | batch: {max_events: 0}
       |                     ^`},
		{"memory for two batches alone", minimal + "batch: {memory: 43MiB}\n", `
relay: relay.yaml:4:17: batch.memory: 43MiB is less than twice batch.max_bytes (16MiB) and 12MiB for requests in flight; one batch fills while the other commits [RLY3001]
     4 | batch: {memory: 43MiB}
       |                 ^`},
		{"memory below two batches", minimal + "batch: {memory: 24MiB}\n", `
relay: relay.yaml:4:17: batch.memory: 24MiB is less than twice batch.max_bytes (16MiB) and 12MiB for requests in flight; one batch fills while the other commits [RLY3001]
     4 | batch: {memory: 24MiB}
       |                 ^`},
		{"no value", minimal + "routing: {tombstone: null}\n", `
relay: relay.yaml:4:22: routing.tombstone: there is no value; write "" for an empty text, or remove the key [RLY3001]
     4 | routing: {tombstone: null}
       |                      ^`},
		{"list for a value", minimal + "log: {level: [info]}\n", `
relay: relay.yaml:4:14: log.level: want one value, not a list or mapping [RLY3001]
     4 | log: {level: [info]}
       |              ^`},
		{"value for a list", "name: a\nsource: {url: 'postgres://'}\nkafka: {brokers: k:1}\n", `
relay: relay.yaml:3:18: kafka.brokers: want a list: [one, two] [RLY3001]
     3 | kafka: {brokers: k:1}
       |                  ^`},
		{"mapping in a list", "name: a\nsource: {url: 'postgres://'}\nkafka: {brokers: [k: 1]}\n", `
relay: relay.yaml:3:20: kafka.brokers: want one value, not a list or mapping [RLY3001]
     3 | kafka: {brokers: [k: 1]}
       |                    ^`},
		{"rule with another key", minimal + "routing:\n  rules:\n  - topik: x\n", `
relay: relay.yaml:6:5: routing.rules: unknown key "topik"; a rule has match and topic [RLY3001]
     6 |   - topik: x
       |     ^`},
		{"broker without port", "name: a\nsource: {url: 'postgres://'}\nkafka: {brokers: [k]}\n", `
relay: relay.yaml:3:18: kafka.brokers: "k" is not an address; write host:port, as in kafka-1:9092 [RLY3001]
     3 | kafka: {brokers: [k]}
       |                  ^`},
		{"bad name", strings.Replace(minimal, "payments", "Payments", 1), `
relay: relay.yaml:1:7: name: "Payments" is not a name; write 1 to 40 of a-z, 0-9 and -, beginning with a letter: slot, transactional id and topics are made of it [RLY3001]
     1 | name: Payments
       |       ^`},
		{"no name", strings.Replace(minimal, "name: payments", "", 1), `
relay: relay.yaml: name: is missing; it is the relay's identity: the transactional id in Kafka is made of it [RLY3001]`},
		{"topic used twice", minimal + "batch:\nlog: {}\nfailure: {parked_topic: relay.checkpoints}\n", `
relay: relay.yaml:6:25: failure.parked_topic: "relay.checkpoints" is kafka.checkpoint_topic too; the two must differ [RLY3001]
     6 | failure: {parked_topic: relay.checkpoints}
       |                         ^`},
		{"two documents", minimal + "---\nname: b\n", `
relay: relay.yaml:5:5: is a second document; the file holds one [RLY3001]
     5 | name: b
       |     ^`},
		{"not a mapping", "- name\n", `
relay: relay.yaml:1:1: the file must be a mapping of keys to values [RLY3001]
     1 | - name
       | ^`},
		{"not YAML", "name: 'a\n", `
relay: relay.yaml:1:7: is not YAML: could not find end character of single-quoted text [RLY3001]
     1 | name: 'a
       |       ^`},
		{"alias", minimal + "log: {level: &x info}\n", `
relay: relay.yaml:4:14: log.level: anchors, aliases and tags are not used in this file; write the value [RLY3001]
     4 | log: {level: &x info}
       |              ^`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text, config.Options{})
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n")+hint, printed(err)); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
			if got := fault.Exit(err); got != fault.ExitConfig {
				t.Errorf("exit code %d, want %d", got, fault.ExitConfig)
			}
		})
	}
}

func TestWrongVariablesAndFlags(t *testing.T) {
	tests := []struct {
		name    string
		options config.Options
		want    string // part of the error
		warning string // or of the warning
	}{
		{"value", config.Options{Environ: []string{"RELAY_BATCH_MEMORY=64"}}, `RELAY_BATCH_MEMORY: batch.memory: "64" is not a size`, ""},
		{"range", config.Options{Environ: []string{"RELAY_BATCH_MAX_EVENTS=-1"}}, `RELAY_BATCH_MAX_EVENTS: batch.max_events: -1 is outside`, ""},
		{"yaml", config.Options{Environ: []string{"RELAY_ROUTING_RULES=ledger"}}, `RELAY_ROUTING_RULES: routing.rules: want a list of rules`, ""},
		{"typo", config.Options{Environ: []string{"RELAY_KAFKA_BROKER=k:1"}}, `RELAY_KAFKA_BROKER: no key has this variable; did you mean RELAY_KAFKA_BROKERS?`, ""},
		{"to come", config.Options{Environ: []string{"RELAY_KAFKA_TLS_ENABLED=true"}}, `RELAY_KAFKA_TLS_ENABLED: key "kafka.tls" is not implemented yet`, ""},
		{"foreign", config.Options{Environ: []string{"RELAY_RACE=4x100"}}, "", "variable RELAY_RACE is ignored: no key has this variable"},
		{"service", config.Options{Environ: []string{"RELAY_SERVICE_HOST=10.0.0.1", "RELAY_PORT=tcp://10.0.0.1:9680", "RELAY_PORT_9680_TCP_ADDR=10.0.0.1", "RELAY_KAFKA_SERVICE_PORT_CLIENT=1"}}, "", ""},
		{"flag without value", config.Options{Set: []string{"log.level"}}, `--set: want key=value`, ""},
		{"flag with unknown key", config.Options{Set: []string{"log.levle=info"}}, `--set: unknown key "log.levle"; did you mean "log.level"?`, ""},
		{"flag with wrong value", config.Options{Set: []string{"log.level=loud"}}, `--set: log.level: "loud" is none of its values; write debug, info, warn or error`, ""},
		{"flag to come", config.Options{Set: []string{"kafka.sasl.mechanism=PLAIN"}}, `--set: key "kafka.sasl.mechanism" is not implemented yet`, ""},
		{"password key", config.Options{Set: []string{"source.password=x"}}, `a secret does not stand in the file`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := load(t, minimal, tt.options)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(l.Warnings, "\n"); !strings.Contains(got, tt.warning) || (tt.warning == "") != (got == "") {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	_, err := config.Load(config.Options{Path: missing})
	if got := printed(err); !strings.Contains(got, "no such file") || !strings.Contains(got, "relay config example") {
		t.Errorf("missing file: %s", got)
	}
	_, err = config.Load(config.Options{Environ: []string{"RELAY_CONFIG=" + t.TempDir()}})
	if got := printed(err); !strings.Contains(got, "is a directory") {
		t.Errorf("directory: %s", got)
	}
	secret := filepath.Join(t.TempDir(), "relay.yaml")
	if err := os.WriteFile(secret, []byte(minimal), 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() { _, err = config.Load(config.Options{Path: secret}) })
	if got := printed(err); !strings.Contains(got, "permission denied") || fault.Exit(err) != fault.ExitConfig {
		t.Errorf("without permission: %s", got)
	}
}
