package config

import (
	"encoding"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// nodeError is a wrong value and where it stands.
type nodeError struct {
	node ast.Node
	text string
}

func (e *nodeError) Error() string { return e.text }

func wrong(node ast.Node, format string, args ...any) error {
	return &nodeError{node: node, text: fmt.Sprintf(format, args...)}
}

// decode sets a field from YAML. Maps are laid over what the field holds, so that a file may change one entry of a
// default. The error is a *nodeError.
func decode(target any, node ast.Node) error {
	switch t := target.(type) {
	case *[]string:
		return decodeList(t, node)
	case *[]Rule:
		return decodeRules(t, node)
	case *map[string]string:
		merged := maps.Clone(*t)
		if err := decodeMap(merged, node); err != nil {
			return err
		}
		*t = merged
		return nil
	}
	text, err := scalar(node)
	if err != nil {
		return err
	}
	if err := setScalar(target, text); err != nil {
		return wrong(node, "%s", err)
	}
	return nil
}

// decodeText sets a field from the text of a variable or flag: a scalar as it is, a list with commas, the rest as YAML.
func decodeText(target any, text string) error {
	switch t := target.(type) {
	case *[]string:
		if !strings.HasPrefix(text, "[") {
			*t = splitList(text)
			return nil
		}
	case *[]Rule, *map[string]string:
	default:
		return setScalar(target, text)
	}
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return fmt.Errorf("is not YAML of the form %s", form(target))
	}
	return decode(target, file.Docs[0].Body)
}

func form(target any) string {
	switch target.(type) {
	case *[]Rule:
		return `[{match: {field: "expression"}, topic: name}]`
	case *map[string]string:
		return "{name: value}"
	}
	return "[one, two]"
}

func splitList(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// setScalar sets a string, boolean, number or a type that reads text. It does not quote the value of a string field,
// which may be a secret.
func setScalar(target any, text string) error {
	switch t := target.(type) {
	case *string:
		*t = text
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*t = text == "true"
	case *int:
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*t = n
	case encoding.TextUnmarshaler:
		return t.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("config: no way to read a %T", target))
	}
	return nil
}

// scalar is the text of a node that is neither list nor mapping, as it was written: 1.50 stays 1.50.
func scalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.NullNode:
		return "", wrong(node, `there is no value; write "" for an empty text, or remove the key`)
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", wrong(node, "anchors, aliases and tags are not used in this file; write the value")
	}
	return "", wrong(node, "want one value, not a list or mapping")
}

func decodeList(list *[]string, node ast.Node) error {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return wrong(node, "want a list: [one, two]")
	}
	*list = make([]string, 0, len(sequence.Values))
	for _, v := range sequence.Values {
		text, ok := address(v)
		if ok {
			*list = append(*list, text)
			continue
		}
		text, err := scalar(v)
		if err != nil {
			return err
		}
		*list = append(*list, text)
	}
	return nil
}

// address is a text such as kafka-1:9092 that the parser takes for a mapping when its list stands in braces. YAML does
// so only if a blank follows the colon, which none does here.
func address(node ast.Node) (string, bool) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok || len(mapping.Values) != 1 {
		return "", false
	}
	pair := mapping.Values[0]
	host, errHost := scalar(pair.Key)
	port, errPort := scalar(pair.Value)
	colon, at := pair.Start.Position.Column, pair.Value.GetToken().Position.Column
	if errHost != nil || errPort != nil || at != colon+1 {
		return "", false
	}
	return host + ":" + port, true
}

func decodeMap(m map[string]string, node ast.Node) error {
	return eachKey(node, func(name string, _, value ast.Node) error {
		text, err := scalar(value)
		m[name] = text
		return err
	})
}

func decodeRules(rules *[]Rule, node ast.Node) error {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return wrong(node, `want a list of rules: [{match: {field: "expression"}, topic: name}]`)
	}
	*rules = make([]Rule, 0, len(sequence.Values))
	for _, v := range sequence.Values {
		rule := Rule{Match: map[string]string{}}
		err := eachKey(v, func(name string, key, value ast.Node) (err error) {
			switch name {
			case "match":
				return decodeMap(rule.Match, value)
			case "topic":
				rule.Topic, err = scalar(value)
				return err
			}
			return wrong(key, "unknown key %q; a rule has match and topic", name)
		})
		if err != nil {
			return err
		}
		*rules = append(*rules, rule)
	}
	return nil
}

// eachKey calls f for the entries of a mapping, each key once.
func eachKey(node ast.Node, f func(name string, key, value ast.Node) error) error {
	mapping, ok := plainMapping(node)
	if !ok {
		return wrong(node, "want a mapping: {name: value}")
	}
	seen := map[string]bool{}
	for iter := mapping.MapRange(); iter.Next(); {
		name, ok := keyName(iter.Key())
		if !ok {
			return wrong(iter.Key(), "is not a plain key")
		}
		if seen[name] {
			return wrong(iter.Key(), "duplicate key %q", name)
		}
		seen[name] = true
		if err := f(name, iter.Key(), iter.Value()); err != nil {
			return err
		}
	}
	return nil
}
