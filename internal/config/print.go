package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// WriteYAML prints the effective configuration as a file, each value with its origin as a comment, passwords hidden.
func (l *Loaded) WriteYAML(w io.Writer) error {
	c := l.Config
	c.Source.URL = RedactURL(c.Source.URL)
	lines, err := l.yamlLines(reflect.ValueOf(c), "", 0)
	if err != nil {
		return err
	}
	width := 0
	for _, line := range lines {
		if n := utf8.RuneCountInString(line.text); line.origin != "" && n <= 60 {
			width = max(width, n)
		}
	}
	var b strings.Builder
	for _, line := range lines {
		if line.origin == "" {
			b.WriteString(line.text + "\n")
			continue
		}
		pad := max(0, width-utf8.RuneCountInString(line.text))
		b.WriteString(line.text + strings.Repeat(" ", pad) + "  # " + line.origin + "\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// yamlLine is a line of the printed file; a section has no origin.
type yamlLine struct {
	text, origin string
}

func (l *Loaded) yamlLines(section reflect.Value, prefix string, depth int) ([]yamlLine, error) {
	var lines []yamlLine
	indent := strings.Repeat("  ", depth)
	for i := range section.NumField() {
		name := section.Type().Field(i).Tag.Get("yaml")
		if section.Field(i).Kind() == reflect.Struct {
			below, err := l.yamlLines(section.Field(i), prefix+name+".", depth+1)
			if err != nil {
				return nil, err
			}
			lines = append(append(lines, yamlLine{text: indent + name + ":"}), below...)
			continue
		}
		value, err := yamlValue(section.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("print %s: %w", prefix+name, err)
		}
		lines = append(lines, yamlLine{text: indent + name + ": " + value, origin: l.Origins[prefix+name].String()})
	}
	return lines, nil
}

// yamlValue prints one value on one line.
func yamlValue(v any) (string, error) {
	text, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
	return strings.TrimSpace(string(text)), err
}

// View is the effective configuration for machines, passwords hidden.
type View struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	File       string            `json:"file"`
	Config     map[string]any    `json:"config"`
	Origins    map[string]string `json:"origins"`
}

// View describes the effective configuration.
func (l *Loaded) View() View {
	c := l.Config
	c.Source.URL = RedactURL(c.Source.URL)
	v := View{APIVersion: "relay/v1", Kind: "Config", File: l.File, Config: map[string]any{}, Origins: map[string]string{}}
	for _, f := range fields(&c) {
		v.Origins[f.path] = l.Origins[f.path].String()
		section, name := splitPath(f.path)
		v.section(section)[name] = f.value()
	}
	return v
}

// section is the object of a section, made when it is first needed.
func (v *View) section(path string) map[string]any {
	if path == "" {
		return v.Config
	}
	parent, name := splitPath(path)
	above := v.section(parent)
	below, ok := above[name].(map[string]any)
	if !ok {
		below = map[string]any{}
		above[name] = below
	}
	return below
}
