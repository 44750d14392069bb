package inspect

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// eventTopics finds the topics that the relay may publish to: those named, or else those that the routing can yield and
// those that the checkpoint remembers. A topic that an event brings along itself is not among them.
func (s *Session) eventTopics(ctx context.Context, named []string, cp *publisher.Checkpoint) ([]publisher.TopicSeen, error) {
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return nil, err
	}
	wanted := matcher(s.cfg.Relay.Outbox, cp)
	if len(named) > 0 {
		wanted = func(name string) bool { return slices.Contains(named, name) }
	}
	topics, err := kafka.Topics(ctx, wanted)
	if err != nil {
		return nil, s.viewer.KafkaTrouble("", err)
	}
	for _, name := range named {
		if !slices.ContainsFunc(topics, func(t publisher.TopicSeen) bool { return t.Name == name }) {
			return nil, noTopic(name)
		}
	}
	return topics, nil
}

func noTopic(name string) error {
	return &fault.Error{
		Code: fault.NotFound, Summary: fmt.Sprintf("topic %q does not exist, or may not be seen", name),
		Hint: "`relay events tail` without --topic reads all topics that the routing of this configuration can yield.",
	}
}

// matcher tells which topics may hold events of the relay.
func matcher(cfg outbox.Config, cp *publisher.Checkpoint) func(name string) bool {
	var patterns []*regexp.Regexp
	for _, template := range templates(cfg) {
		patterns = append(patterns, templatePattern(template))
	}
	remembered := map[string]bool{}
	if cp != nil {
		for _, end := range cp.Ends {
			remembered[end.Topic] = true
		}
	}
	return func(name string) bool {
		if reserved(cfg.ReservedTopics, name) {
			return false
		}
		return remembered[name] || slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
	}
}

// templates are the forms of all topic names that the routing can yield.
func templates(cfg outbox.Config) []string {
	all := []string{cfg.Routing.Topic}
	if cfg.Format == outbox.FormatDebezium {
		all = append(all, cfg.Debezium.RouteTopicReplacement)
	}
	for _, rule := range cfg.Routing.Rules {
		all = append(all, rule.Topic)
	}
	return slices.DeleteFunc(all, func(t string) bool { return t == "" })
}

// templatePattern matches what a template can become.
func templatePattern(template string) *regexp.Regexp {
	var pattern strings.Builder
	pattern.WriteString("^")
	at := 0
	for _, hole := range regexp.MustCompile(`\$\{[^}]*\}|\$[0-9]`).FindAllStringIndex(template, -1) {
		pattern.WriteString(regexp.QuoteMeta(template[at:hole[0]]) + `[a-zA-Z0-9._-]+`)
		at = hole[1]
	}
	pattern.WriteString(regexp.QuoteMeta(template[at:]) + "$")
	return regexp.MustCompile(pattern.String())
}

// reserved tells names that no event may reach.
func reserved(prefixes []string, name string) bool {
	return strings.HasPrefix(name, "__") || slices.ContainsFunc(prefixes, func(p string) bool {
		return p != "" && (name == p || strings.HasPrefix(name, p+"."))
	})
}
