package outbox

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// router finds the topic of an event.
type router struct {
	topics *topicRules
	rules  []compiledRule
	topic  *route // nil: an event that no rule matches has no route
	name   []byte // scratch: the rendered name
}

// route is a template; its name when the template has no placeholders.
type route struct {
	template template
	literal  string
}

type compiledRule struct {
	conditions []condition
	route      route
}

type condition struct {
	field   field
	pattern *regexp.Regexp
}

// newRouter compiles the routing. Errors are *ConfigError.
func newRouter(cfg Config, f *fields, topics *topicRules) (*router, error) {
	r := &router{topics: topics}
	if cfg.Routing.Topic != "" {
		topic, err := r.compile("routing.topic", cfg.Routing.Topic, f)
		if err != nil {
			return nil, err
		}
		r.topic = &topic
	}
	for i, rule := range cfg.Routing.Rules {
		compiled, err := r.compileRule(fmt.Sprintf("routing.rules[%d]", i), rule, f)
		if err != nil {
			return nil, err
		}
		r.rules = append(r.rules, compiled)
	}
	return r, nil
}

func (r *router) compile(path, text string, f *fields) (route, error) {
	t, err := parseTemplate(text, f.resolve)
	if err != nil {
		return route{}, &ConfigError{Field: path, Value: text, Why: err.Error()}
	}
	literal, ok := t.literal()
	if !ok {
		return route{template: t}, nil
	}
	if bad := r.topics.check(literal); bad != nil {
		return route{}, &ConfigError{Field: path, Value: text, Why: bad.detail + "; no event could be published there"}
	}
	return route{literal: literal}, nil
}

func (r *router) compileRule(path string, rule Rule, f *fields) (compiledRule, error) {
	var c compiledRule
	if len(rule.Match) == 0 {
		return c, &ConfigError{Field: path + ".match", Why: "want at least one column with a regular expression; a rule without any would hide those after it"}
	}
	for _, column := range slices.Sorted(maps.Keys(rule.Match)) {
		pattern, err := regexp.Compile(rule.Match[column])
		if err != nil {
			return c, &ConfigError{Field: path + ".match." + column, Value: rule.Match[column], Why: err.Error()}
		}
		c.conditions = append(c.conditions, condition{field: f.resolve(column), pattern: pattern})
	}
	var err error
	c.route, err = r.compile(path+".topic", rule.Topic, f)
	return c, err
}

// find gives the topic of the event with these values. explicit is the name that the event brings along; nil: none.
func (r *router) find(explicit []byte, values [][]byte, f *fields) (string, *fault) {
	if r.topics.always != "" {
		return r.topics.always, nil
	}
	if explicit != nil {
		return r.topics.intern(explicit)
	}
	for i := range r.rules {
		if r.rules[i].matches(values) {
			return r.render(&r.rules[i].route, values, f)
		}
	}
	if r.topic == nil {
		return "", faultf(ReasonNoRoute, "no rule matches it and routing.topic is empty")
	}
	return r.render(r.topic, values, f)
}

func (c *compiledRule) matches(values [][]byte) bool {
	for _, cond := range c.conditions {
		if v := values[cond.field]; v == nil || !cond.pattern.Match(v) {
			return false
		}
	}
	return true
}

func (r *router) render(to *route, values [][]byte, f *fields) (string, *fault) {
	if to.literal != "" {
		return to.literal, nil
	}
	name, null := to.template.appendTo(r.name[:0], values)
	r.name = name
	if null != noField {
		return "", faultf(ReasonNull, "column %q is NULL and the topic is made of it", f.column(null))
	}
	return r.topics.intern(name)
}

// reads are the fields that rules and templates look at.
func (r *router) reads() []field {
	var fs []field
	if r.topic != nil {
		fs = r.topic.template.reads(fs)
	}
	for i := range r.rules {
		for _, c := range r.rules[i].conditions {
			fs = append(fs, c.field)
		}
		fs = r.rules[i].route.template.reads(fs)
	}
	return fs
}
