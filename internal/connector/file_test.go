package connector_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/connector"
)

func TestFormsOfAFile(t *testing.T) {
	want := connector.Options{"name": "o", "tasks.max": "1", "a.b": "true", "x": "é \"y\""}
	for form, text := range map[string]string{
		"options alone":    `{"name": "o", "tasks.max": 1, "a.b": true, "x": "é \"y\"", "unset": null}`,
		"as it is made":    `{"name": "o", "config": {"tasks.max": "1", "a.b": "true", "x": "é \"y\""}}`,
		"as it is shown":   `{"name":"o","config":{"name":"o","tasks.max":"1","a.b":"true","x":"é \"y\""},"tasks":[{"connector":"o","task":0}],"type":"source"}`,
		"expand=info":      `{"o":{"info":{"name":"o","config":{"tasks.max":"1","a.b":"true","x":"é \"y\""},"tasks":[],"type":"source"}}}`,
		"properties":       "# a worker's\nname=o\ntasks.max = 1\na.b:true\nx=\\u00e9 \"y\"\n",
		"byte order mark":  "\ufeff" + `{"name": "o", "tasks.max": 1, "a.b": true, "x": "é \"y\""}`,
		"on several lines": "name=o\ntasks.max=\\\n   1\na.b=true\nx=é \"y\"",
	} {
		got, err := connector.Read([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", form, err, diff)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": "` + secret + `"`:                                  "is not valid JSON",
		`{"a": 1} x`:                                              "is not valid JSON",
		`{"a": {"b": "` + secret + `"}}`:                          `option "a" is neither`,
		`{"config": "` + secret + `"}`:                            "config: it is not a JSON object",
		`{"config": {"a": ["` + secret + `"]}}`:                   `config: option "a" is neither`,
		`{"a": 1, "a": 2}`:                                        `option "a" stands in it twice`,
		`{"a":{"info":{"config":{}}},"b":{"info":{"config":{}}}}`: "2 connectors (a, b)",
		`a=\u00`: "neither a JSON object nor",
	} {
		_, err := connector.Read([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

// TestDebeziumServer: its options have other names and mean the same.
func TestDebeziumServer(t *testing.T) {
	o, err := connector.Read([]byte(`
debezium.source.connector.class=io.debezium.connector.postgresql.PostgresConnector
debezium.source.database.hostname=db
debezium.source.database.user=u
debezium.source.database.dbname=shop
debezium.source.database.password=` + secret + `
debezium.source.plugin.name=pgoutput
debezium.source.table.include.list=public\\.outbox
debezium.source.offset.storage.file.filename=data/offsets.dat
debezium.sink.type=kafka
debezium.sink.kafka.producer.bootstrap.servers=k1:9092,k2:9092
debezium.sink.kafka.producer.key.serializer=org.apache.kafka.common.serialization.StringSerializer
debezium.format.key=simplestring
debezium.format.value=json
debezium.format.value.schemas.enable=false
debezium.transforms=router
debezium.transforms.router.type=io.debezium.transforms.outbox.EventRouter
debezium.transforms.router.table.expand.json.payload=true
quarkus.log.level=INFO
`))
	if err != nil {
		t.Fatal(err)
	}
	got := connector.Translate(o, connector.Wanted{})
	c := got.Config
	if c.Outbox.Table != "public.outbox" || c.Outbox.Debezium.Keys != "string" || c.Outbox.Debezium.Values != "json" || !c.Outbox.Debezium.TableExpandJSONPayload {
		t.Errorf("outbox is %+v", c.Outbox)
	}
	if diff := cmp.Diff([]string{"k1:9092", "k2:9092"}, c.Kafka.Brokers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"debezium.format.header"}, names(got.Unsupported())); diff != "" {
		t.Errorf("not supported (-want +got):\n%s", diff)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{`{"name": "a", "config": {"b": 1}}`, "a=b", `{"a":{"info":{"config":{}}}}`, "{", `{"a":[]}`, "\\u00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := connector.Read(text)
		if err == nil {
			connector.Translate(o, connector.Wanted{})
		}
	})
}
