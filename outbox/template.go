package outbox

import (
	"errors"
	"fmt"
	"strings"
)

// template is a topic name with placeholders: "${aggregate_type}.events".
type template struct {
	parts []part
}

// part is literal text, or the value of a field.
type part struct {
	literal string
	field   field // noField in a literal
}

// parseTemplate reads a template; resolve gives the field of a column name.
func parseTemplate(text string, resolve func(name string) field) (template, error) {
	var t template
	for text != "" {
		literal, rest, found := strings.Cut(text, "$")
		if literal != "" {
			if i := badTopicByte(literal); i >= 0 {
				return template{}, fmt.Errorf("%q cannot stand in a topic name: allowed are letters, digits, dot, underscore and hyphen", literal[i])
			}
			t.parts = append(t.parts, part{literal: literal, field: noField})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !strings.HasPrefix(name, "{") || !closed || name == "{" {
			return template{}, errors.New("a placeholder is a column in braces, as in ${aggregate_type}")
		}
		t.parts = append(t.parts, part{field: resolve(name[1:])})
		text = after
	}
	return t, nil
}

// literal is the text of a template without placeholders.
func (t template) literal() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].field == noField:
		return t.parts[0].literal, true
	}
	return "", false
}

// appendTo renders the template. null is the first field that is NULL, else noField.
func (t template) appendTo(dst []byte, values [][]byte) (_ []byte, null field) {
	for _, p := range t.parts {
		if p.field == noField {
			dst = append(dst, p.literal...)
			continue
		}
		if values[p.field] == nil {
			return dst, p.field
		}
		dst = append(dst, values[p.field]...)
	}
	return dst, noField
}

// reads appends the fields that the template is made of.
func (t template) reads(fs []field) []field {
	for _, p := range t.parts {
		if p.field != noField {
			fs = append(fs, p.field)
		}
	}
	return fs
}
