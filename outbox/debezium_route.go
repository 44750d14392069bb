package outbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// regexRoute is Kafka Connect's RegexRouter: a value that the pattern matches whole has its first match replaced; any
// other value is the topic itself. What was found once is remembered, for as many values as topicRules remembers names.
type regexRoute struct {
	topics      *topicRules
	whole       *regexp.Regexp
	first       *regexp.Regexp
	replacement []replacementPart
	known       map[string]string
}

// replacementPart is literal text, or what a group of the pattern matched.
type replacementPart struct {
	literal string
	group   int // 0: literal, unless whole is set
	whole   bool
}

// newRegexRoute compiles the two options. The error is a *ConfigError.
func newRegexRoute(pattern, replacement string, topics *topicRules) (*regexRoute, error) {
	r := &regexRoute{topics: topics, known: make(map[string]string)}
	var err error
	if r.first, err = regexp.Compile(pattern); err != nil {
		return nil, &ConfigError{debeziumPath + "route_topic_regex", pattern, err.Error() + "; Relay's patterns are RE2, which has neither lookaround nor backreferences"}
	}
	if r.whole, err = regexp.Compile(`\A(?:` + pattern + `)\z`); err != nil {
		return nil, &ConfigError{debeziumPath + "route_topic_regex", pattern, err.Error()}
	}
	if r.replacement, err = parseReplacement(replacement, r.first); err != nil {
		return nil, &ConfigError{debeziumPath + "route_topic_replacement", replacement, err.Error()}
	}
	return r, nil
}

// topic of a value.
func (r *regexRoute) topic(value []byte) (string, *fault) {
	if r.topics.always != "" {
		return r.topics.always, nil
	}
	if topic, ok := r.known[string(value)]; ok {
		return topic, nil
	}
	name := value
	if r.whole.Match(value) {
		at := r.first.FindSubmatchIndex(value)
		name = append([]byte(nil), value[:at[0]]...)
		for _, p := range r.replacement {
			name = p.appendTo(name, value, at)
		}
		name = append(name, value[at[1]:]...)
	}
	topic, bad := r.topics.intern(name)
	if bad != nil {
		return topic, bad
	}
	if len(r.known) >= maxInterned {
		clear(r.known)
	}
	r.known[string(value)] = topic
	return topic, nil
}

func (p replacementPart) appendTo(dst, value []byte, at []int) []byte {
	if p.group == 0 && !p.whole {
		return append(dst, p.literal...)
	}
	if start, end := at[2*p.group], at[2*p.group+1]; start >= 0 {
		dst = append(dst, value[start:end]...)
	}
	return dst
}

// parseReplacement reads the language of java.util.regex.Matcher.replaceFirst: $1 (as many digits as give a group that
// exists), ${name}, and a backslash before a character that stands for itself.
func parseReplacement(text string, pattern *regexp.Regexp) (parts []replacementPart, err error) {
	literal := func(s string) { parts = append(parts, replacementPart{literal: s}) }
	for text != "" {
		i := strings.IndexAny(text, `$\`)
		if i < 0 {
			literal(text)
			break
		}
		literal(text[:i])
		special, rest := text[i], text[i+1:]
		switch {
		case rest == "":
			return nil, fmt.Errorf("it ends with %q, which wants something behind it", special)
		case special == '\\':
			literal(rest[:1])
			text = rest[1:]
		case rest[0] == '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			group := pattern.SubexpIndex(name)
			if !closed || group < 0 {
				return nil, fmt.Errorf("the pattern has no group of the name %q", name)
			}
			parts = append(parts, replacementPart{group: group})
			text = after
		default:
			group, n := groupNumber(rest, pattern.NumSubexp())
			if n == 0 {
				return nil, fmt.Errorf("$ wants the number or, in braces, the name of one of the pattern's %d groups behind it", pattern.NumSubexp())
			}
			parts = append(parts, replacementPart{group: group, whole: group == 0})
			text = rest[n:]
		}
	}
	return parts, nil
}

// groupNumber reads the longest number of a group that exists; n is its length, 0 if there is none.
func groupNumber(text string, groups int) (group, n int) {
	for n < len(text) && isDigit(text[n]) {
		next, err := strconv.Atoi(text[:n+1])
		if err != nil || next > groups {
			break
		}
		group = next
		n++
	}
	return group, n
}
