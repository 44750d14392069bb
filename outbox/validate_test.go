package outbox

import (
	"errors"
	"strings"
	"testing"
)

func TestValidateNamesTheField(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string // prefix of one line of the error
	}{
		{"format", func(c *Config) { c.Format = "avro" }, `outbox.format: "avro": want relay`},
		{"unknown logical name", func(c *Config) { c.Columns = map[string]string{"colour": "c"} }, `outbox.columns.colour: "c": want one of id, aggregate_type`},
		{"empty column", func(c *Config) { c.Columns = map[string]string{"id": ""} }, `outbox.columns.id: "": want the name`},
		{"columns of a Debezium table", func(c *Config) { c.Format = FormatDebezium; c.Columns = map[string]string{"id": "x"} }, `outbox.columns.id: "x": the debezium format`},
		{"template without closing brace", func(c *Config) { c.Routing.Topic = "${a" }, `routing.topic: "${a": a placeholder`},
		{"template without braces", func(c *Config) { c.Routing.Topic = "$a" }, `routing.topic: "$a": a placeholder`},
		{"template with an empty name", func(c *Config) { c.Routing.Topic = "${}" }, `routing.topic: "${}": a placeholder`},
		{"template with a blank", func(c *Config) { c.Routing.Topic = "a b${id}" }, `routing.topic: "a b${id}": ' '`},
		{"literal topic reserved", func(c *Config) { c.Routing.Topic = "relay.parked.x" }, `routing.topic: "relay.parked.x": topic`},
		{"no route at all", func(c *Config) { c.Format = FormatCustom; c.Routing.Topic = "" }, `routing.topic: "": want a template`},
		{"rule without match", func(c *Config) { c.Routing.Rules = []Rule{{Topic: "x"}} }, `routing.rules[0].match: "": want at least one`},
		{"rule with a bad pattern", func(c *Config) {
			c.Routing.Rules = []Rule{{Match: map[string]string{"id": "."}, Topic: "x"}, {Match: map[string]string{"id": "("}, Topic: "x"}}
		}, `routing.rules[1].match.id: "(": error parsing regexp`},
		{"rule without topic", func(c *Config) { c.Routing.Rules = []Rule{{Match: map[string]string{"id": "."}}} }, `routing.rules[0].topic: "": topic name is empty`},
		{"rule to a forbidden topic", func(c *Config) {
			c.Routing.Rules = []Rule{{Match: map[string]string{"id": "."}, Topic: "__x"}}
		}, `routing.rules[0].topic: "__x": topic`},
		{"header of the publisher", func(c *Config) { c.Routing.Headers.ID = "relay-seq" }, `routing.headers.id: "relay-seq": Relay writes`},
		{"two headers of one name", func(c *Config) { c.Routing.Headers.Type = "id" }, `routing.headers.type: "id": routing.headers.id has`},
		{"tombstone", func(c *Config) { c.Routing.Tombstone = "" }, `routing.tombstone: "": want "null"`},
		{"message routed by a column", func(c *Config) { c.WALMessages = "o"; c.Routing.Topic = "${tenant}" }, `routing.topic or rules: "tenant": a WAL message`},
		{"message with a key column", func(c *Config) { c.WALMessages = "o"; c.Routing.Key = "tenant" }, `routing.key: "tenant": a WAL message`},
		{"message with a partition column", func(c *Config) { c.WALMessages = "o"; c.Routing.Partition = "p" }, `routing.partition: "p": a WAL message`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Defaults()
			cfg.ReservedTopics = []string{"relay.parked"}
			tt.change(&cfg)
			err := cfg.Validate()
			if _, ok := errors.AsType[*ConfigError](err); !ok {
				t.Fatalf("error is %v, want a ConfigError", err)
			}
			found := false
			for line := range strings.Lines(err.Error()) {
				found = found || strings.HasPrefix(line, tt.want)
			}
			if !found {
				t.Errorf("error is\n%v\nwant a line that begins with\n%s", err, tt.want)
			}
			if _, err := NewMapper(cfg); err == nil {
				t.Error("NewMapper accepts the configuration")
			}
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	cfg := Defaults()
	cfg.Format = "x"
	cfg.Routing.Tombstone = "y"
	cfg.Routing.Topic = "z z"
	if lines := strings.Count(cfg.Validate().Error(), "\n") + 1; lines != 3 {
		t.Errorf("%d errors, want 3: %v", lines, cfg.Validate())
	}
}

func TestDefaultsAreValid(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	routed := Defaults()
	routed.Routing.Topic = "" // the topic column and rules can name every topic
	if err := routed.Validate(); err != nil {
		t.Error(err)
	}
}
