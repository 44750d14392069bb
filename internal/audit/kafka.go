package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/publisher"
)

// findPartitions finds what to read, up to where each log ends now. Everything that the checkpoint counts was acknowledged
// before the checkpoint was committed, so it lies below.
func (a *auditor) findPartitions(ctx context.Context) error {
	var bounds []publisher.Bounds
	err := patiently(ctx, func() error {
		topics, err := a.topics(ctx)
		if err == nil {
			bounds, err = a.Kafka.Bounds(ctx, topics)
		}
		return err
	})
	if err != nil {
		return ofKafka(fmt.Errorf("find topics: %w", err))
	}
	for _, b := range bounds {
		p := &partition{Bounds: b, from: b.Start, to: b.HighWatermark}
		a.places.partitions = append(a.places.partitions, p)
		if err := patiently(ctx, func() error { return a.leaveOut(ctx, p) }); err != nil {
			return err
		}
	}
	a.lostEnds()
	return nil
}

// leaveOut leaves out what is older than asked for. The last number before tells which numbers cannot lie there.
func (a *auditor) leaveOut(ctx context.Context, p *partition) error {
	if a.options.Since.IsZero() || p.Start >= p.to {
		return nil
	}
	reader, err := a.Kafka.Reader(ctx, p.Topic, p.Partition)
	if err != nil {
		return ofKafka(fmt.Errorf("read %s: %w", p.at(p.Start), err))
	}
	if err := reader.StartAtTime(ctx, a.options.Since); err != nil {
		return ofKafka(fmt.Errorf("find offset of %s/%d: %w", p.Topic, p.Partition, err))
	}
	p.from = min(reader.Offset(), p.to)
	reader.End = p.from
	last, err := reader.Last(ctx, 1, func(e *publisher.Event) bool { return a.names.read(e).ours })
	if err != nil {
		return ofKafka(fmt.Errorf("read %s: %w", p.at(p.from), err))
	}
	if len(last) == 0 { // nothing of ours is left out: then leave out nothing, which is simpler to reason about
		p.from = p.Start
		return nil
	}
	seq := a.names.read(&last[0]).seq
	seq.n++
	p.floor = &seq
	return nil
}

// lostEnds compares the logs with what the checkpoint remembers of them.
func (a *auditor) lostEnds() {
	for _, end := range a.checkpoint.Ends {
		logEnd := int64(0)
		for _, p := range a.places.partitions {
			if p.Topic == end.Topic && p.Partition == end.Partition {
				logEnd = p.HighWatermark
			}
		}
		if logEnd <= end.Offset {
			at := fmt.Sprintf("%s/%d@%d", end.Topic, end.Partition, end.Offset)
			a.found(LogLost, 1, Item{At: []string{at}, Detail: fmt.Sprintf("the log ends at offset %d, but this one was acknowledged", logEnd)})
		}
	}
}

// awaitReaders waits until a read_committed reader is shown all of it: markers are written one by one, and a transaction
// of anybody that is open holds readers back.
func (a *auditor) awaitReaders(ctx context.Context) error {
	for end := time.Now().Add(a.options.Wait); ; {
		behind, err := a.firstBehind(ctx)
		if behind == nil || err != nil {
			return err
		}
		if time.Now().After(end) {
			return &HeldBackError{Topic: behind.Topic, Partition: behind.Partition, LastStable: behind.LastStable, Waited: a.options.Wait}
		}
		if err := pause.For(ctx, again); err != nil {
			return err
		}
	}
}

// HeldBackError says that a transaction stays open and hides what lies behind it from every read_committed reader.
type HeldBackError struct {
	Topic      string
	Partition  int32
	LastStable int64
	Waited     time.Duration
}

// Error names the place.
func (e *HeldBackError) Error() string {
	return fmt.Sprintf("readers of %s partition %d are held back at offset %d by a transaction that has not ended within %v",
		e.Topic, e.Partition, e.LastStable, e.Waited)
}

func (a *auditor) firstBehind(ctx context.Context) (*publisher.Bounds, error) {
	var topics []string
	for _, p := range a.places.partitions {
		if p.LastStable < p.to && (len(topics) == 0 || topics[len(topics)-1] != p.Topic) {
			topics = append(topics, p.Topic)
		}
	}
	var bounds []publisher.Bounds
	err := patiently(ctx, func() (err error) {
		bounds, err = a.Kafka.Bounds(ctx, topics)
		return err
	})
	if err != nil {
		return nil, ofKafka(err)
	}
	var first *publisher.Bounds
	for _, b := range bounds {
		for _, p := range a.places.partitions {
			if p.Topic != b.Topic || p.Partition != b.Partition {
				continue
			}
			if p.LastStable = b.LastStable; p.LastStable < p.to && first == nil {
				first = &b
			}
		}
	}
	return first, nil
}

// readEvents reads one partition after the other.
func (a *auditor) readEvents(ctx context.Context) error {
	a.events = events{
		names: a.names, places: &a.places, entries: a.entries, found: a.found, generations: map[int64]*seqs{},
		current: seqID{a.checkpoint.Generation, a.checkpoint.EventsTotal},
	}
	var done, total int64
	for _, p := range a.places.partitions {
		total += p.to - p.from
	}
	for i, p := range a.places.partitions {
		n := 0
		err := readPartition(ctx, a.Kafka, p, p.from, p.to, func(e *publisher.Event) error {
			if n++; n%every == 0 {
				a.options.Progress(StageEvents, done+e.Offset-p.from, total)
			}
			return a.events.record(uint32(i), e)
		})
		if err != nil {
			return err
		}
		done += p.to - p.from
		a.options.Progress(StageEvents, done, total)
		a.report.Events.Read += p.events
		a.report.Events.Foreign += p.foreign
		a.report.Partitions = append(a.report.Partitions, Partition{
			Topic: p.Topic, Partition: p.Partition, Start: p.Start, From: p.from, To: p.to, Events: p.events, Foreign: p.foreign, Compacted: p.Compacted,
		})
	}
	return nil
}
