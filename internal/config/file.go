package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// fileReader puts the keys of a YAML file into a Config. It goes through the syntax tree itself, so that every problem
// of the file is found at once and each has its place.
type fileReader struct {
	source   source
	fields   []field
	byPath   map[string]field
	origins  map[string]Origin
	problems []Problem
}

func newFileReader(name string, text []byte, fs []field, origins map[string]Origin) *fileReader {
	return &fileReader{source: newSource(name, text), fields: fs, byPath: index(fs), origins: origins}
}

// read takes the whole text of the file.
func (r *fileReader) read(text []byte) {
	if !utf8.Valid(text) {
		r.problems = append(r.problems, Problem{Where: r.source.name, Text: "is not UTF-8 text"})
		return
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntaxError(err)
		return
	}
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i > 0:
			r.addf(doc.Body, "", "is a second document; the file holds one")
		default:
			r.section("", doc.Body)
		}
	}
}

// section reads a mapping of keys.
func (r *fileReader) section(path string, node ast.Node) {
	if node.Type() == ast.NullType && path != "" {
		return // "source:" with nothing below it
	}
	mapping, ok := plainMapping(node)
	if !ok {
		what := "the file"
		if path != "" {
			what = path
		}
		r.addf(node, path, "%s must be a mapping of keys to values", what)
		return
	}
	seen := map[string]int{}
	for iter := mapping.MapRange(); iter.Next(); {
		key := iter.Key()
		name, ok := keyName(key)
		if !ok {
			r.addf(key, "", "is not a plain key; anchors, aliases and merge keys are not used in this file")
			continue
		}
		full := join(path, name)
		if line, twice := seen[name]; twice {
			r.addKeyf(key, full, "duplicate key %q: it is in line %d already", full, line)
			continue
		}
		seen[name] = key.GetToken().Position.Line
		r.key(full, key, iter.Value())
	}
}

// key reads one key with its value.
func (r *fileReader) key(path string, key ast.MapKeyNode, value ast.Node) {
	f, known := r.byPath[path]
	switch {
	case isPlanned(path):
		r.addKeyf(key, path, "key %q is not implemented yet; remove it", path)
	case known:
		if err := decode(f.target, value); err != nil {
			r.addValue(path, value, err)
			return
		}
		at := value.GetToken().Position
		r.origins[path] = Origin{Source: r.source.name, Line: at.Line, Column: at.Column}
	case isSection(r.fields, path):
		r.section(path, value)
	default:
		r.addKeyf(key, path, "unknown key %q%s", path, suggestion(r.fields, path))
	}
}

func (r *fileReader) syntaxError(err error) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		r.problems = append(r.problems, Problem{Where: r.source.name, Text: "is not YAML"})
		return
	}
	at := syntax.GetToken().Position
	r.problems = append(r.problems, Problem{
		Where:   r.source.where(at.Line, at.Column),
		Text:    "is not YAML: " + syntax.GetMessage(),
		Excerpt: r.source.excerpt(at.Line, at.Column, 0),
	})
}

// addf reports a problem at a node.
func (r *fileReader) addf(node ast.Node, path, format string, args ...any) {
	r.addAt(node, 0, path, fmt.Sprintf(format, args...))
}

// addKeyf reports a problem with a key, quoting nothing behind it: an unknown key may hold a secret.
func (r *fileReader) addKeyf(key ast.MapKeyNode, path, format string, args ...any) {
	at := key.GetToken().Position
	end := at.Column + utf8.RuneCountInString(strings.TrimSpace(key.GetToken().Origin)) + 1
	r.addAt(key, end, path, fmt.Sprintf(format, args...))
}

// addValue reports what decode found, at the very node inside value that is wrong.
func (r *fileReader) addValue(path string, value ast.Node, err error) {
	if inner, ok := errors.AsType[*nodeError](err); ok {
		value = inner.node
	}
	r.addf(value, path, "%s: %s", path, err)
}

func (r *fileReader) addAt(node ast.Node, end int, path, text string) {
	at := node.GetToken().Position
	r.problems = append(r.problems, Problem{
		Path:    path,
		Where:   r.source.where(at.Line, at.Column),
		Text:    text,
		Excerpt: r.source.excerpt(at.Line, at.Column, end),
	})
}

// plainMapping is node as a mapping, unless an anchor or alias only stands for one.
func plainMapping(node ast.Node) (ast.MapNode, bool) {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		m, ok := node.(ast.MapNode)
		return m, ok
	}
	return nil, false
}

// keyName is the text of a key that is a plain scalar.
func keyName(key ast.MapKeyNode) (string, bool) {
	switch key.Type() {
	case ast.StringType, ast.IntegerType, ast.FloatType, ast.BoolType, ast.NullType:
		return key.GetToken().Value, true
	}
	return "", false
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
