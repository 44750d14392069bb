package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
)

// Validate reports every wrong value: field, value, allowed range and consequence.
func (c Config) Validate() error { return invalid(c.check()) }

// check collects what is wrong, section by section.
func (c Config) check() []Problem {
	var k checker
	c.checkName(&k)
	c.Source.check(&k)
	c.Outbox.check(&k)
	c.Routing.check(&k)
	c.checkDebezium(&k)
	c.checkMapping(&k)
	c.Kafka.check(&k)
	c.checkTopics(&k)
	c.Batch.check(&k)
	c.Failure.check(&k)
	c.Server.check(&k)
	c.Log.check(&k)
	c.Tracing.check(&k)
	return k.problems
}

// checker collects problems.
type checker struct {
	problems []Problem
}

// addf reports what is wrong with a key.
func (k *checker) addf(path, format string, args ...any) {
	k.problems = append(k.problems, Problem{Path: path, Text: path + ": " + fmt.Sprintf(format, args...)})
}

// failed tells whether a key has been reported already.
func (k *checker) failed(path string) bool {
	return slices.ContainsFunc(k.problems, func(p Problem) bool { return p.Path == path })
}

// required reports a text that is empty.
func (k *checker) required(path, value, consequence string) {
	if value == "" {
		k.addf(path, "is missing; %s", consequence)
	}
}

// oneOf reports a word that is none of those allowed.
func (k *checker) oneOf(path, value string, allowed ...string) {
	switch {
	case slices.Contains(allowed, value):
	case slices.Contains(plannedValues(path), value):
		k.addf(path, "%q is not implemented yet; write %s", value, alternatives(allowed))
	default:
		k.addf(path, "%q is none of its values; write %s", value, alternatives(allowed))
	}
}

func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// between reports a value outside of lowest..highest.
func between[T cmp.Ordered](k *checker, path string, value, lowest, highest T, consequence string) {
	if value < lowest || value > highest {
		k.addf(path, "%v is outside %v to %v; %s", value, lowest, highest, consequence)
	}
}

// each gives the single errors of a joined error.
func each(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// notFound adds to the error of a configuration without a file where files are looked for.
func notFound(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		e.Hint = "No configuration file was found: not --config, not $" + ConfigVariable + ", and none of " +
			strings.Join(SearchPath(), ", ") + ". `relay config example > relay.yaml` writes one to begin with."
	}
	return err
}
