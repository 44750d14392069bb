package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/publisher"
)

// TailOptions say what to read.
type TailOptions struct {
	Topics []string  // empty: all that the relay may publish to
	Since  time.Time // only events with this timestamp or a later one; zero: any
	Key    *string   // only events with this key; nil: any
	Last   int       // at most so many of those that are there; 0: all of them
	Follow bool      // and then those that come
	Values bool      // with their values
	// Trouble is told, while following, why Kafka cannot be read; it is tried again. nil: nobody is told.
	Trouble func(error)
}

const (
	// followEvery is how often topics are looked at for new events when none came.
	followEvery = 250 * time.Millisecond
	// relistEvery is how often new topics are looked for.
	relistEvery = 5 * time.Second
	// againEvery is how often a cluster is tried that could not be read.
	againEvery = time.Second
)

// tail reads partitions side by side.
type tail struct {
	*Session
	options TailOptions
	readers []*publisher.Reader
	topics  map[string]bool
	show    func([]Event) error
}

// Tail hands committed events to show, in parts. Those of one partition come in order. Events of one relay come in the
// order of their numbers within a part.
//
// Memory is bounded by Last, or without it by what a read of one partition brings.
func (s *Session) Tail(ctx context.Context, o TailOptions, show func([]Event) error) error {
	t := &tail{Session: s, options: o, topics: map[string]bool{}, show: show}
	if err := t.open(ctx, false); err != nil {
		return err
	}
	read := t.all
	if o.Last > 0 {
		read = t.last
	}
	if err := read(ctx); err != nil || !o.Follow {
		return t.trouble(err)
	}
	return t.trouble(t.follow(ctx))
}

// trouble leaves the errors of show as they are.
func (t *tail) trouble(err error) error {
	if shown, ok := errors.AsType[*showError](err); ok {
		return shown.err
	}
	if err == nil {
		return nil
	}
	return t.viewer.KafkaTrouble("", err)
}

// showError is an error of the one who shows.
type showError struct{ err error }

func (e *showError) Error() string { return e.err.Error() }

// open begins to read topics that are not read yet. Those that appear later are read from their beginning.
func (t *tail) open(ctx context.Context, later bool) error {
	var cp *publisher.Checkpoint
	if len(t.options.Topics) == 0 && !later {
		cp = t.newestCheckpoint(ctx)
	}
	topics, err := t.eventTopics(ctx, t.options.Topics, cp)
	if err != nil {
		return err
	}
	kafka, err := t.viewer.Kafka(ctx)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		if t.topics[topic.Name] {
			continue
		}
		t.topics[topic.Name] = true
		for partition := range topic.Partitions {
			r, err := kafka.Reader(ctx, topic.Name, partition)
			if err == nil && !t.options.Since.IsZero() {
				err = r.StartAtTime(ctx, t.options.Since)
				r.Start = r.Offset()
			}
			if err != nil {
				return t.viewer.KafkaTrouble("", err)
			}
			t.readers = append(t.readers, r)
		}
	}
	return nil
}

// newestCheckpoint is nil where there is none, or none that can be read: it only helps to find topics.
func (s *Session) newestCheckpoint(ctx context.Context) *publisher.Checkpoint {
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return nil
	}
	look, err := kafka.Look(ctx)
	if err != nil {
		return nil
	}
	return look.Checkpoint
}

// wants chooses; what is not to be shown of an event is not kept.
func (t *tail) wants(e *publisher.Event) bool {
	if t.options.Key != nil && (e.Key == nil || string(e.Key) != *t.options.Key) {
		return false
	}
	return t.options.Since.IsZero() || !e.Time.Before(t.options.Since)
}

func (t *tail) describe(e *publisher.Event) Event {
	return describeEvent(e, t.headerNames(), t.options.Values)
}

// last shows the last events of all partitions together.
func (t *tail) last(ctx context.Context) error {
	var all []Event
	for _, r := range t.readers {
		events, err := r.Last(ctx, t.options.Last, t.wants)
		if err != nil {
			return err
		}
		for i := range events {
			all = append(all, t.describe(&events[i]))
		}
		all = inOrder(all)
		all = all[max(0, len(all)-t.options.Last):]
	}
	return t.shown(all)
}

// all shows everything that is there, partition after partition.
func (t *tail) all(ctx context.Context) error {
	for _, r := range t.readers {
		for end := r.End; r.Offset() < end; {
			events, err := t.next(ctx, r)
			if err != nil {
				return err
			}
			if err := t.shown(events); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tail) next(ctx context.Context, r *publisher.Reader) ([]Event, error) {
	events, err := r.Next(ctx)
	var wanted []Event
	for i := range events {
		if t.wants(&events[i]) {
			wanted = append(wanted, t.describe(&events[i]))
		}
	}
	return wanted, err
}

func (t *tail) shown(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := t.show(events); err != nil {
		return &showError{err}
	}
	return nil
}

// follow shows what comes until ctx ends. A broker that goes away is no end: everything is connected anew and read on.
func (t *tail) follow(ctx context.Context) error {
	for {
		err := t.steady(ctx)
		for err != nil {
			if _, shown := errors.AsType[*showError](err); shown || ctx.Err() != nil {
				return err
			}
			if t.options.Trouble != nil {
				t.options.Trouble(t.viewer.KafkaTrouble("", err))
			}
			if err := pause.For(ctx, againEvery); err != nil {
				return err
			}
			err = t.reconnect(ctx)
		}
	}
}

// reconnect opens all partitions again where they were read up to.
func (t *tail) reconnect(ctx context.Context) error {
	t.viewer.Close()
	viewer, err := relay.View(t.cfg.Relay)
	if err != nil {
		return err
	}
	t.viewer = viewer
	kafka, err := viewer.Kafka(ctx)
	if err != nil {
		return err
	}
	for i, old := range t.readers {
		topic, partition := old.Partition()
		r, err := kafka.Reader(ctx, topic, partition)
		if err != nil {
			return err
		}
		r.Resume(old.Offset())
		t.readers[i] = r
	}
	return nil
}

// steady follows as long as Kafka can be read.
func (t *tail) steady(ctx context.Context) error {
	listed := time.Now()
	for {
		moved, err := t.round(ctx)
		if err != nil {
			return err
		}
		if !moved {
			if err := pause.For(ctx, followEvery); err != nil {
				return err
			}
		}
		if time.Since(listed) > relistEvery {
			if err := t.open(ctx, true); err != nil {
				return err
			}
			listed = time.Now()
		}
	}
}

// round reads once from each partition that has something new. What was read is shown even when the next partition
// cannot be read: it will not be read again.
func (t *tail) round(ctx context.Context) (moved bool, err error) {
	var events []Event
	for _, r := range t.readers {
		var more bool
		var some []Event
		if more, err = r.More(ctx); err == nil && more {
			moved = true
			some, err = t.next(ctx, r)
			events = append(events, some...)
		}
		if err != nil {
			break
		}
	}
	return moved, cmp.Or(t.shown(inOrder(events)), err)
}

// inOrder sorts the events of one generation of one relay by their numbers, which keeps each partition in order. Events
// of several have no common order but time, so there partitions, each in its own order, are merged by time.
func inOrder(events []Event) []Event {
	if sameRelay(events) {
		slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Relay.Seq, b.Relay.Seq) })
		return events
	}
	queues := map[string][]Event{}
	for _, e := range events {
		at := fmt.Sprintf("%s/%d", e.Topic, e.Partition)
		queues[at] = append(queues[at], e)
	}
	names := slices.Sorted(maps.Keys(queues))
	for _, queue := range queues {
		slices.SortFunc(queue, func(a, b Event) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	merged := make([]Event, 0, len(events))
	for len(merged) < len(events) {
		next := ""
		for _, name := range names {
			if q := queues[name]; len(q) > 0 && (next == "" || q[0].Time.Before(queues[next][0].Time)) {
				next = name
			}
		}
		merged, queues[next] = append(merged, queues[next][0]), queues[next][1:]
	}
	return merged
}

func sameRelay(events []Event) bool {
	return !slices.ContainsFunc(events, func(e Event) bool {
		first := events[0].Relay
		return first == nil || e.Relay == nil || e.Relay.Relay != first.Relay || !e.Relay.Generation.Equal(first.Generation)
	})
}
