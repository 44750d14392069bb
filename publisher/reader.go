package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Reader reads the committed events of one partition, forward, one Fetch answer at a time.
type Reader struct {
	log *partitionLog
	at  int64
	// Start and End are the bounds of the log when the reader was made: the first offset, and the one behind what was visible.
	Start, End int64
}

// Reader begins to read a partition at its first offset. ErrNoTopic when there is no such topic.
func (c *Client) Reader(ctx context.Context, topic string, partition int32) (*Reader, error) {
	t, err := c.topicNamed(ctx, topic, "Describe and Read")
	if err != nil {
		return nil, err
	}
	if partition < 0 || partition >= t.partitions() {
		return nil, fmt.Errorf("read %s: it has partitions 0 to %d, not %d: %w", topic, t.partitions()-1, partition, ErrNoPartition)
	}
	log, err := c.openLog(t, partition)
	if err != nil {
		return nil, err
	}
	r := &Reader{log: log}
	if r.Start, r.End, err = log.bounds(ctx); err != nil {
		return nil, err
	}
	r.at = r.Start
	return r, nil
}

// Partition is the one that is read.
func (r *Reader) Partition() (topic string, partition int32) { return r.log.topic, r.log.partition }

// Offset is where the next read begins.
func (r *Reader) Offset() int64 { return r.at }

// StartAt makes the next read begin at an offset; one outside the log is moved to the nearest bound.
func (r *Reader) StartAt(offset int64) { r.at = min(max(offset, r.Start), r.End) }

// Resume makes the next read begin at an offset that was read up to before, over another connection: also beyond End,
// where a leader that was just elected does not know yet how far the log is committed.
func (r *Reader) Resume(offset int64) { r.at = max(offset, r.Start) }

// StartAtTime makes the next read begin at the first record that has this timestamp or a later one. Timestamps need not be
// in order, but no such record lies before there.
func (r *Reader) StartAtTime(ctx context.Context, t time.Time) error {
	offset, err := r.log.offset(ctx, max(0, t.UnixMilli()), sarama.ReadCommitted)
	if err != nil {
		return err
	}
	if offset < 0 {
		offset = r.End
	}
	r.StartAt(offset)
	return nil
}

// More tells whether something is visible that was not read yet. It asks the leader only when all that was known is read.
func (r *Reader) More(ctx context.Context) (bool, error) {
	if r.at < r.End {
		return true, nil
	}
	end, err := r.log.offset(ctx, sarama.OffsetNewest, sarama.ReadCommitted)
	if err != nil {
		return false, err
	}
	r.End = max(r.End, end)
	return r.at < r.End, nil
}

// Next reads what one Fetch brings, about 1 MiB, and not beyond End. Without events it has come across markers, aborted
// records or offsets that compaction emptied.
func (r *Reader) Next(ctx context.Context) ([]Event, error) {
	if r.at >= r.End {
		return nil, nil
	}
	records, next, err := r.log.fetch(ctx, r.at)
	if err != nil || next <= r.at {
		return nil, err // nothing came in time: the same again
	}
	var events []Event
	for _, record := range records {
		if record.offset >= r.at && record.offset < r.End {
			events = append(events, newEvent(r.log.topic, r.log.partition, record))
		}
	}
	r.at = min(next, r.End)
	return events, nil
}

// Last gives the last committed events of the partition, at most n, in order, and goes to its end. Memory is bounded by n
// and one Fetch answer; keep, if not nil, chooses and may shorten what is kept.
func (r *Reader) Last(ctx context.Context, n int, keep func(*Event) bool) ([]Event, error) {
	var found []Event
	to := r.End
	for size := int64(firstWindow); to > r.Start && len(found) < n; size *= windowGrowth {
		from := max(r.Start, to-max(size, int64(n)))
		r.at = from
		part, err := r.lastOf(ctx, to, n-len(found), keep)
		if err != nil {
			return nil, err
		}
		found = append(part, found...)
		to = from
	}
	r.at = r.End
	return found, nil
}

// lastOf reads up to an offset and keeps the last n.
func (r *Reader) lastOf(ctx context.Context, to int64, n int, keep func(*Event) bool) (kept []Event, err error) {
	for r.at < to {
		events, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		for i := range events {
			if events[i].Offset < to && (keep == nil || keep(&events[i])) {
				kept = append(kept, events[i])
			}
		}
		if extra := len(kept) - n; extra > 0 {
			kept = append(kept[:0], kept[extra:]...)
		}
	}
	return kept, nil
}
