package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/outbox"
)

// Options are those of one connector, by name.
type Options map[string]string

const nameOption = "name"

// Read finds out which form the text has and returns the options. The error quotes nothing of the text.
func Read(text []byte) (Options, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		return readJSON(trimmed)
	}
	return readProperties(text)
}

// readJSON reads the options alone, {name, config} as a connector is made with, or {NAME: {info: {name, config}}} as
// GET /connectors?expand=info answers.
func readJSON(text []byte) (Options, error) {
	object, err := jsonObject(text)
	if err != nil {
		return nil, err
	}
	if inner, ok := object["config"]; ok {
		return readWrapped(object, inner)
	}
	if o, err := scalars(object); err == nil {
		return o, nil
	}
	var connectors []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if entry, err := jsonObject(object[name]); err == nil && entry["info"] != nil {
			connectors = append(connectors, name)
		}
	}
	if len(connectors) != 1 || len(object) != 1 {
		if len(connectors) > 1 {
			return nil, fmt.Errorf("it holds %d connectors (%s); want the file of one", len(connectors), strings.Join(connectors, ", "))
		}
		_, err := scalars(object)
		return nil, err
	}
	entry, err := jsonObject(object[connectors[0]])
	if err != nil {
		return nil, err
	}
	return readJSON(entry["info"])
}

func readWrapped(wrapper map[string]json.RawMessage, inner json.RawMessage) (Options, error) {
	object, err := jsonObject(inner)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	o, err := scalars(object)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var name string
	if json.Unmarshal(wrapper[nameOption], &name) == nil && name != "" {
		o[nameOption] = name
	}
	return o, nil
}

// jsonObject reads an object whose names differ.
func jsonObject(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	object := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, jsonError(d)
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, jsonError(d)
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("option %q stands in it twice", name)
		}
		object[name] = value
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return nil, jsonError(d)
	}
	return object, nil
}

func jsonError(d *json.Decoder) error {
	return fmt.Errorf("it is not valid JSON behind byte %d", d.InputOffset())
}

// scalars takes strings, numbers and booleans, which people write without quotes; null is an option that is not set.
func scalars(object map[string]json.RawMessage) (Options, error) {
	o := Options{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		raw := object[name]
		switch raw[0] {
		case '{', '[':
			return nil, fmt.Errorf("option %q is neither a text, a number nor a boolean", name)
		case 'n':
		case '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, fmt.Errorf("option %q is not a text", name)
			}
			o[name] = text
		default:
			o[name] = string(raw)
		}
	}
	return o, nil
}

// readProperties reads java.util.Properties; those of Debezium Server are renamed as a connector has them.
func readProperties(text []byte) (Options, error) {
	o := Options{}
	ok := outbox.EachProperty(text, func(key, value []byte) bool {
		o[string(key)] = string(value)
		return true
	})
	if !ok {
		return nil, errors.New("it is neither a JSON object nor in the form of java.util.Properties")
	}
	if _, server := o["debezium.source.connector.class"]; server {
		o = o.ofServer()
	}
	return o, nil
}

// ofServer gives the options of Debezium Server the names that Kafka Connect has for them.
func (o Options) ofServer() Options {
	renamed := Options{}
	for name, value := range o {
		renamed[serverName(name)] = value
	}
	for _, part := range []string{"key", "value"} {
		format := "debezium.format." + part
		if class, ok := serverConverters[o[format]]; ok {
			renamed[part+".converter"] = class
			delete(renamed, format)
		}
	}
	if _, set := renamed["debezium.format.header"]; !set {
		renamed["debezium.format.header"] = "json" // the default, of which something is to be said
	}
	return renamed
}

// serverConverters are the formats of Debezium Server that Relay has an equal for.
var serverConverters = map[string]string{"json": jsonConverter, "simplestring": stringConverter, "binary": binaryConverter}

func serverName(name string) string {
	for _, p := range []struct{ server, connect string }{
		{"debezium.source.", ""},
		{"debezium.transforms", "transforms"},
		{"debezium.predicates", "predicates"},
		{"debezium.sink.kafka.producer.", "producer.override."},
		{"debezium.format.key.", "key.converter."},
		{"debezium.format.value.", "value.converter."},
	} {
		if rest, ok := strings.CutPrefix(name, p.server); ok {
			return p.connect + rest
		}
	}
	return name
}
