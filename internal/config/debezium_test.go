package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/outbox"
)

// TestDebeziumKeys: what the file says under outbox.debezium is what package outbox gets, and the rest is as Debezium
// has it.
func TestDebeziumKeys(t *testing.T) {
	l, err := load(t, minimal+`outbox:
  format: debezium
  table: public.outbox
  debezium:
    table_field_event_key: ""
    table_fields_additional_placement: type:header:eventType, type:envelope
    table_expand_json_payload: true
    values: json
`, config.Options{Environ: []string{"RELAY_OUTBOX_DEBEZIUM_KEYS=json"}})
	if err != nil {
		t.Fatal(printed(err))
	}
	want := outbox.DefaultDebezium()
	want.TableFieldEventKey, want.TableFieldsAdditionalPlacement, want.TableExpandJSONPayload = "", "type:header:eventType, type:envelope", true
	want.Keys, want.Values = outbox.ConvertJSON, outbox.ConvertJSON
	if diff := cmp.Diff(want, l.Config.Mapping().Debezium); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(outbox.DefaultDebezium(), config.Default().Mapping().Debezium); diff != "" {
		t.Errorf("defaults: %s", diff)
	}
	section, _ := l.View().Config["outbox"].(map[string]any)
	if below, _ := section["debezium"].(map[string]any); below["keys"] != "json" {
		t.Errorf("the document for programs has outbox = %v", section)
	}
}

// TestKeysWithoutEffect: a key that would be ignored is an error.
func TestKeysWithoutEffect(t *testing.T) {
	const debezium = minimal + "outbox: {format: debezium, table: public.outbox}\n"
	tests := []struct{ name, text, want string }{
		{"router's key in another format", minimal + "outbox: {debezium: {keys: json}}\n", "relay.yaml:4:27: outbox.debezium.keys: has an effect with outbox.format: debezium only"},
		{"key", debezium + "routing: {key: type}\n", "relay.yaml:5:16: routing.key: has no effect with outbox.format: debezium"},
		{"header", debezium + `routing: {headers: {id: ""}}` + "\n", "routing.headers: has no effect"},
		{"rule", debezium + "routing: {rules: [{match: {type: a}, topic: b}]}\n", "routing.rules: has no effect"},
		{"partition", debezium + "routing: {partitioner: column}\n", "place a column with :partition"},
		{"columns", minimal + "outbox: {format: debezium, table: public.outbox, columns: {id: x}}\n", "names its columns under outbox.debezium"},
		{"value", minimal + "outbox: {format: debezium, table: public.outbox, debezium: {values: avro}}\n", `relay.yaml:4:69: outbox.debezium.values: "avro": want string, json or bytes`},
		{"no table", minimal + "outbox: {format: debezium, table: ''}\n", "outbox.table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := load(t, tt.text, config.Options{}); !strings.Contains(printed(err), tt.want) {
				t.Errorf("printed %s, want %s in it", printed(err), tt.want)
			}
		})
	}
	for _, text := range []string{
		debezium + "routing: {partitioner: crc32}\n",
		minimal + "outbox: {format: debezium, table: public.outbox, wal_messages: shop}\nrouting: {topic: shop.events}\n",
	} {
		if _, err := load(t, text, config.Options{}); err != nil {
			t.Errorf("%s: %s", text, printed(err))
		}
	}
}

// TestTableNames are names as SQL writes them; internal/relay tries such names on a real server.
func TestTableNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"outbox.event": true, "Shop.Outbox": true, `"Shop"."Outbox"`: true, `"a.b"."c""d"`: true, `"with blank"."日本"`: true,
		"événements.été": true, `_x."y$"`: true, "a.b$1": true,
		"outbox": false, ".event": false, "outbox.": false, "a.b.c": false, `"".b`: false, `"a.b`: false, `"a"b.c`: false, "a b.c": false,
		"1a.b": false, "a.$b": false, "a-b.c": false, "a.b;": false, strings.Repeat("x", 64) + ".b": false, strings.Repeat("x", 63) + ".b": true,
	} {
		_, err := load(t, minimal, config.Options{Set: []string{"outbox.table=" + name}})
		if (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
