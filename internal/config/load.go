package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
)

// Options say where a configuration comes from.
type Options struct {
	// Path is the file; empty: $RELAY_CONFIG, then the first of SearchPath that is there, then no file at all.
	Path string
	// Environ are the variables, as os.Environ gives them.
	Environ []string
	// Set are "key=value" pairs from flags; they win over everything.
	Set []string
}

// Origin says where a value came from.
type Origin struct {
	// Source is a file name, a variable, FromFlag, or FromDefault.
	Source string
	// Line and Column of the value in the file, from 1; 0 elsewhere.
	Line, Column int
}

// The origins that are neither file nor variable.
const (
	FromDefault = "default"
	FromFlag    = "--set"
)

// String is "relay.yaml:3", "RELAY_SOURCE_URL", "--set" or "default".
func (o Origin) String() string {
	if o.Line == 0 {
		return o.Source
	}
	return fmt.Sprintf("%s:%d", o.Source, o.Line)
}

// Loaded is a valid configuration and where it came from.
type Loaded struct {
	Config Config
	// File that was read; empty for none.
	File string
	// Origins of all values, by path.
	Origins map[string]Origin
	// Warnings are for people: nothing is wrong, but probably not as meant.
	Warnings []string
}

// SearchPath lists the files that are looked for when none is named.
func SearchPath() []string { return []string{"relay.yaml", "/etc/relay/relay.yaml"} }

// Load reads, merges and validates. The error is a *fault.Error that names every problem.
func Load(o Options) (*Loaded, error) {
	name, text, err := readFile(o)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Config: Default(), File: name, Origins: map[string]Origin{}}
	known := fields(&l.Config)
	for _, f := range known {
		l.Origins[f.path] = Origin{Source: FromDefault}
	}
	file := newFileReader(name, text, known, l.Origins)
	file.read(text)
	fromEnv, warnings := applyEnv(o.Environ, known, l.Origins)
	fromFlags := applySet(o.Set, known, l.Origins)
	l.Warnings = warnings
	if problems := append(append(file.problems, fromEnv...), fromFlags...); len(problems) > 0 {
		return nil, invalid(problems)
	}
	l.Config.derive()
	if problems := l.Config.check(); len(problems) > 0 {
		err := invalid(l.locate(problems, file.source))
		if l.File == "" {
			err = notFound(err)
		}
		return nil, err
	}
	l.Warnings = append(l.Warnings, l.cleanupWarnings()...)
	return l, nil
}

// derive fills defaults that depend on other keys.
func (c *Config) derive() {
	if c.Source.Slot == "" {
		c.Source.Slot = DefaultSlot(c.Name)
	}
}

// DefaultSlot is the slot of a relay whose configuration names none.
func DefaultSlot(relay string) string { return "relay_" + strings.ReplaceAll(relay, "-", "_") }

// locate says where the wrong values came from.
func (l *Loaded) locate(problems []Problem, s source) []Problem {
	for i, p := range problems {
		switch o := l.Origins[p.Path]; {
		case o.Line > 0:
			problems[i].Where = s.where(o.Line, o.Column)
			problems[i].Excerpt = s.excerpt(o.Line, o.Column, 0)
		case o.Source == FromDefault || o.Source == "":
			problems[i].Where = l.File
		default:
			problems[i].Where = o.Source
		}
	}
	return problems
}

// applySet lays "key=value" pairs over the fields.
func applySet(set []string, fs []field, origins map[string]Origin) (problems []Problem) {
	byPath := index(fs)
	for _, pair := range set {
		path, value, ok := strings.Cut(pair, "=")
		f, known := byPath[path]
		switch {
		case !ok:
			problems = append(problems, Problem{Where: FromFlag, Text: "want key=value, as in --set log.level=debug"})
		case isPlanned(path):
			problems = append(problems, Problem{Path: path, Where: FromFlag, Text: fmt.Sprintf("key %q is not implemented yet", path)})
		case !known:
			text := fmt.Sprintf("unknown key %q%s", path, suggestion(fs, path))
			problems = append(problems, Problem{Path: path, Where: FromFlag, Text: text})
		default:
			if err := decodeText(f.target, value); err != nil {
				problems = append(problems, Problem{Path: path, Where: FromFlag, Text: fmt.Sprintf("%s: %s", path, err)})
				continue
			}
			origins[path] = Origin{Source: FromFlag}
		}
	}
	return problems
}

// readFile finds and reads the file. A file that was named must be there.
func readFile(o Options) (name string, text []byte, err error) {
	if name = o.Path; name == "" {
		name = lookup(o.Environ, ConfigVariable)
	}
	if name != "" {
		if text, err = os.ReadFile(name); err != nil {
			return "", nil, unreadable(name, err)
		}
		return name, text, nil
	}
	for _, name := range SearchPath() {
		text, err := os.ReadFile(name)
		if err == nil {
			return name, text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, unreadable(name, err)
		}
	}
	return "", nil, nil
}

func unreadable(name string, err error) error {
	hint := "Check the path and that this user may read the file."
	if errors.Is(err, fs.ErrNotExist) {
		hint = "The file is looked for at --config, $" + ConfigVariable + ", " + strings.Join(SearchPath(), ", ") +
			". `relay config example > relay.yaml` writes one to begin with."
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	return &fault.Error{Code: fault.Config, Summary: fmt.Sprintf("read configuration file %q", name), Err: err, Hint: hint}
}

func lookup(environ []string, name string) string {
	for _, assignment := range environ {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	return ""
}
