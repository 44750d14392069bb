package config

import (
	"encoding"
	"reflect"
	"strings"
)

// field is one key that has a value.
type field struct {
	path   string // "source.url"
	target any    // pointer to the value in a Config
}

// env is the variable that overrides the key: RELAY_SOURCE_URL.
func (f field) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.path, ".", "_"))
}

// value is the present value of the key.
func (f field) value() any { return reflect.ValueOf(f.target).Elem().Interface() }

// fields lists the keys of c in the order of the file.
func fields(c *Config) []field { return appendFields(nil, "", reflect.ValueOf(c).Elem()) }

func appendFields(fs []field, prefix string, section reflect.Value) []field {
	for i := range section.NumField() {
		path := prefix + section.Type().Field(i).Tag.Get("yaml")
		target := section.Field(i).Addr().Interface()
		if _, isText := target.(encoding.TextUnmarshaler); section.Field(i).Kind() == reflect.Struct && !isText {
			fs = appendFields(fs, path+".", section.Field(i))
			continue
		}
		fs = append(fs, field{path: path, target: target})
	}
	return fs
}

// index finds fields by path.
func index(fs []field) map[string]field {
	m := make(map[string]field, len(fs))
	for _, f := range fs {
		m[f.path] = f
	}
	return m
}

// isSection tells whether some field's path lies below path.
func isSection(fs []field, path string) bool {
	for _, f := range fs {
		if isBelow(f.path, path) {
			return true
		}
	}
	return false
}

// isBelow tells whether a path lies in a section.
func isBelow(path, section string) bool { return strings.HasPrefix(path, section+".") }
