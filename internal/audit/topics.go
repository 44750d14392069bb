package audit

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/publisher"
)

// topics are those whose names events may have been routed to: those that the templates could name, those that rows are
// routed to now, those that the checkpoint remembers, and those that are asked for. Whether they are all is proved by
// relay-seq: a topic that is left out leaves gaps.
func (a *auditor) topics(ctx context.Context) ([]string, error) {
	var patterns []*regexp.Regexp
	for _, t := range a.Templates {
		patterns = append(patterns, templatePattern(t))
	}
	known := map[string]bool{}
	for _, list := range [][]string{a.places.topics, a.options.Topics} {
		for _, name := range list {
			known[name] = true
		}
	}
	for _, end := range a.checkpoint.Ends {
		known[end.Topic] = true
	}
	seen, err := a.Kafka.Topics(ctx, func(name string) bool {
		if strings.HasPrefix(name, "__") || slices.ContainsFunc(a.Reserved, func(r string) bool { return name == r || strings.HasPrefix(name, r+".") }) {
			return false
		}
		return known[name] || slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range seen {
		names = append(names, t.Name)
	}
	for _, asked := range a.options.Topics {
		if !slices.Contains(names, asked) {
			return nil, fmt.Errorf("topic %s: %w", asked, publisher.ErrNoTopic)
		}
	}
	return names, nil
}

// templatePattern matches the names that a template can yield: of ours, with ${column}, and of Debezium's, with $1 too.
func templatePattern(template string) *regexp.Regexp {
	placeholder := regexp.MustCompile(`\$\{[^}]*\}|\$[0-9]+`)
	var b strings.Builder
	at := 0
	for _, found := range placeholder.FindAllStringIndex(template, -1) {
		b.WriteString(regexp.QuoteMeta(template[at:found[0]]) + ".*")
		at = found[1]
	}
	b.WriteString(regexp.QuoteMeta(template[at:]))
	return regexp.MustCompile("^" + b.String() + "$")
}
