package outbox

import "strings"

// MaxTopicLen is the longest topic name that Kafka allows.
const MaxTopicLen = 249

// maxInterned bounds the memory of topic names whatever an application invents: about 1 MiB at the longest names.
const maxInterned = 4096

// topicRules decide which names events may go to. Names that passed are remembered, so that the steady state neither
// checks nor allocates.
type topicRules struct {
	always   string // the topic of every event; "" when it depends
	reserved []string
	passed   map[string]string
}

func newTopicRules(reserved []string) *topicRules {
	return &topicRules{reserved: reserved, passed: make(map[string]string)}
}

// intern gives the name as a string that lives on.
func (t *topicRules) intern(name []byte) (string, *fault) {
	if s, ok := t.passed[string(name)]; ok {
		return s, nil
	}
	s := string(name)
	if f := t.check(s); f != nil {
		return s, f
	}
	if len(t.passed) >= maxInterned {
		clear(t.passed)
	}
	t.passed[s] = s
	return s, nil
}

// check applies Kafka's rule for names (org.apache.kafka.common.internals.Topic) and the reserved names.
func (t *topicRules) check(name string) *fault {
	switch {
	case name == "":
		return faultf(ReasonBadTopic, "topic name is empty")
	case len(name) > MaxTopicLen:
		return faultf(ReasonBadTopic, "topic name has %d characters, at most %d are allowed", len(name), MaxTopicLen)
	case name == "." || name == "..":
		return faultf(ReasonBadTopic, "topic name %q is not allowed", name)
	}
	if i := badTopicByte(name); i >= 0 {
		return faultf(ReasonBadTopic, "topic name %q: allowed are letters, digits, dot, underscore and hyphen", name)
	}
	if strings.HasPrefix(name, "__") {
		return faultf(ReasonForbiddenTopic, "topic %q: names that begin with __ are Kafka's own", name)
	}
	for _, r := range t.reserved {
		if rest, ok := strings.CutPrefix(name, r); ok && (rest == "" || rest[0] == '.') {
			return faultf(ReasonForbiddenTopic, "topic %q: %q and what begins with it and a dot is Relay's own", name, r)
		}
	}
	return nil
}

// badTopicByte is the index of the first byte that a topic name cannot have, or -1.
func badTopicByte(name string) int {
	for i := range len(name) {
		c := name[i]
		ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
		if !ok {
			return i
		}
	}
	return -1
}
