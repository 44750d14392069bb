package status

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// keptTopics bounds how many topics are remembered: their names come out of the events.
const keptTopics = 1000

// topic is what this process has written to one.
type topic struct {
	events     uint64
	partitions map[int32]struct{}
	written    time.Time
}

// Written notes where the events of a Kafka transaction went that has committed: each yields topic, partition and events.
func (t *Tracker) Written(each func(yield func(topic string, partition int32, events int))) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	each(func(name string, partition int32, events int) {
		seen := t.topics[name]
		if seen == nil {
			if len(t.topics) >= keptTopics {
				return
			}
			seen = &topic{partitions: map[int32]struct{}{}}
			t.topics[name] = seen
		}
		seen.events += uint64(events)
		seen.partitions[partition] = struct{}{}
		seen.written = now
	})
}

// TopicView is what this process has written to a topic.
type TopicView struct {
	Topic      string    `json:"topic"`
	Events     uint64    `json:"events"`
	Partitions int       `json:"partitions"` // that got any
	Written    time.Time `json:"written"`    // last
}

// topicViews are the topics by name. It wants the lock.
func (t *Tracker) topicViews() []TopicView {
	views := make([]TopicView, 0, len(t.topics))
	for name, seen := range maps.All(t.topics) {
		views = append(views, TopicView{Topic: name, Events: seen.events, Partitions: len(seen.partitions), Written: seen.written.UTC()})
	}
	slices.SortFunc(views, func(a, b TopicView) int { return cmp.Compare(a.Topic, b.Topic) })
	return views
}
