package inspect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/outbox-relay/relay/publisher"
)

// maxFound bounds how many records with one id are kept; more are only counted.
const maxFound = 100

// search looks for the records that carry an event's id. It can be run again and goes on where it ended.
type search struct {
	id, header string
	topics     []string
	readers    []*publisher.Reader
	progress   func(events int64)

	read  int64
	count int
	found []publisher.Event
}

// newSearch opens the topics that may hold the event, from a time on where one is given.
func (s *Session) newSearch(ctx context.Context, id string, o TraceOptions) (*search, error) {
	topics, err := s.eventTopics(ctx, o.Topics, s.newestCheckpoint(ctx))
	if err != nil {
		return nil, err
	}
	return s.searchIn(ctx, id, topics, o)
}

func (s *Session) searchIn(ctx context.Context, id string, topics []publisher.TopicSeen, o TraceOptions) (*search, error) {
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return nil, err
	}
	f := &search{id: id, header: s.headerNames().ID, progress: o.Progress}
	for _, topic := range topics {
		f.topics = append(f.topics, topic.Name)
		for partition := range topic.Partitions {
			r, err := kafka.Reader(ctx, topic.Name, partition)
			if err == nil && !o.Since.IsZero() {
				err = r.StartAtTime(ctx, o.Since)
			}
			if err != nil {
				return nil, s.viewer.KafkaTrouble("", err)
			}
			f.readers = append(f.readers, r)
		}
	}
	return f, nil
}

// run reads what was not read yet, up to the end, and gives all that was found so far.
func (f *search) run(ctx context.Context) ([]publisher.Event, error) {
	for _, r := range f.readers {
		for {
			more, err := r.More(ctx)
			if err != nil {
				return f.found, err
			}
			if !more {
				break
			}
			events, err := r.Next(ctx)
			if err != nil {
				return f.found, err
			}
			f.take(events)
		}
	}
	return f.found, nil
}

func (f *search) take(events []publisher.Event) {
	for i := range events {
		value, ok := events[i].Header(f.header)
		if !ok || !strings.EqualFold(string(value), f.id) {
			continue
		}
		f.count++
		if len(f.found) < maxFound {
			f.found = append(f.found, events[i])
		}
	}
	if f.read += int64(len(events)); f.progress != nil {
		f.progress(f.read)
	}
}

// where names the topics, not too many.
func (f *search) where() string {
	const most = 5
	switch n := len(f.topics); {
	case n == 0:
		return "no topic: the cluster has none that the routing can yield"
	case n > most:
		return fmt.Sprintf("%s and %d more topics", strings.Join(f.topics[:most], ", "), n-most)
	}
	return strings.Join(f.topics, ", ")
}

// TraceOptions say where to look for an event.
type TraceOptions struct {
	Topics   []string           // empty: where the mapping sends its row, else all that the routing can yield
	Since    time.Time          // only records with this timestamp or a later one; zero: any
	Progress func(events int64) // told now and then how many records were read; nil: nobody
}
