package connector

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Kind is how much a Note matters.
type Kind int

// The kinds.
const (
	Unneeded    Kind = iota // nothing is lost without the option
	Look                    // something was assumed, or has to be done by hand
	Unsupported             // consumers would see something else, or nobody knows what the option does
)

// Note is about an option that is not in the result as it was in the file, or that is missing in the file.
type Note struct {
	Option string
	Kind   Kind
	Text   string
}

// String is the note on one line.
func (n Note) String() string {
	option := n.Option
	if strings.ContainsFunc(option, func(r rune) bool { return !unicode.IsPrint(r) }) {
		option = strconv.Quote(option)
	}
	return option + ": " + n.Text
}

// note adds one.
func (t *translation) note(kind Kind, option, format string, args ...any) {
	t.notes = append(t.notes, Note{Option: option, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// take gives the value of an option, which counts as carried over, and whether the file has it.
func (t *translation) take(option string) (string, bool) {
	value, ok := t.options[option]
	delete(t.left, option)
	if ok && placeholder.MatchString(value) {
		t.note(Unsupported, option, "a ConfigProvider finds the value when the connector starts; write the value itself into the file")
		return "", false
	}
	return strings.TrimSpace(value), ok
}

// placeholder is a value that Kafka Connect looks up elsewhere: ${file:/secrets:user}.
var placeholder = regexp.MustCompile(`\$\{[a-zA-Z0-9_.-]+:[^}]*\}`)

// takeBool is take for a boolean.
func (t *translation) takeBool(option string) (value, ok bool) {
	text, ok := t.take(option)
	switch {
	case !ok:
		return false, false
	case strings.EqualFold(text, "true"):
		return true, true
	case strings.EqualFold(text, "false"):
		return false, true
	}
	t.note(Unsupported, option, "is neither true nor false")
	return false, false
}

// ignore marks an option as dealt with.
func (t *translation) ignore(option string) { delete(t.left, option) }

// rest says something of every option that nothing was made of.
func (t *translation) rest() {
	for _, option := range sortedKeys(t.left) {
		name := option
		if r, ok := strings.CutPrefix(option, t.router); ok && t.router != "" {
			name = routerPrefix + r
		}
		known, ok := lookUp(name)
		switch {
		case !ok:
			t.note(Unsupported, option, "is not an option that Relay knows of")
		case known.standard == "" || !strings.EqualFold(strings.TrimSpace(t.options[option]), known.standard):
			t.note(known.kind, option, "%s", known.text)
		}
	}
}

// lookUp finds an option in the table: its own name first, then the longest beginning.
func lookUp(name string) (found known, ok bool) {
	longest := -1
	for _, k := range knownOptions() {
		beginning, wild := strings.CutSuffix(k.name, "*")
		switch {
		case !wild && k.name == name:
			return k, true
		case wild && strings.HasPrefix(name, beginning) && len(beginning) > longest:
			found, ok, longest = k, true, len(beginning)
		}
	}
	return found, ok
}
