package publisher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// HistoryRecord is one committed record of a checkpoint partition.
type HistoryRecord struct {
	Offset     int64
	Time       time.Time // the record's timestamp in Kafka
	ProducerID int64
	Epoch      int16
	// One of these is set. Err says why the record is no checkpoint and no barrier of the relay: ErrUndecodable, or a
	// *ForeignRecordError.
	Checkpoint *Checkpoint
	Barrier    *Barrier
	Err        error
}

// History is a part of a checkpoint partition. Compaction takes older records away, except the last of each key.
type History struct {
	Records  []HistoryRecord // newest first
	LogStart int64           // offset at which the partition begins
	LogEnd   int64           // offset behind the last committed record
	// Oldest is the time of the oldest record that is still there; zero when there is none.
	Oldest time.Time
	// Complete tells that Records begin with the oldest.
	Complete bool
}

// historyWindow is how many offsets are looked at first. The part of a topic that is not compacted has one record at two
// offsets; in the compacted part records are far between.
const historyWindow = 256

// History reads the newest records of a checkpoint partition, at most limit of them. It keeps no more than that, and one
// Fetch answer, in memory.
func (c *Client) History(ctx context.Context, at Place, limit int) (History, error) {
	t, err := c.topicNamed(ctx, at.Topic, "Describe and Read")
	if err != nil {
		return History{}, err
	}
	log, err := c.openLog(t, at.Partition())
	if err != nil {
		return History{}, err
	}
	h, err := log.history(ctx, at, limit)
	if err != nil {
		return h, fmt.Errorf("read history of checkpoint: %w", err)
	}
	return h, nil
}

func (l *partitionLog) history(ctx context.Context, at Place, limit int) (h History, err error) {
	if h.LogStart, h.LogEnd, err = l.bounds(ctx); err != nil {
		return h, err
	}
	if h.Oldest, err = l.oldest(ctx, h.LogStart, h.LogEnd); err != nil {
		return h, err
	}
	to := h.LogEnd
	for size := int64(historyWindow); to > h.LogStart && len(h.Records) < limit; size *= windowGrowth {
		from := max(h.LogStart, to-size)
		records, err := l.last(ctx, from, to, limit-len(h.Records))
		if err != nil {
			return h, err
		}
		for _, r := range slices.Backward(records) {
			h.Records = append(h.Records, at.historyRecord(r))
		}
		to = from
	}
	h.Complete = to <= h.LogStart && len(h.Records) < limit
	return h, nil
}

// bounds are the first offset of the log and the one behind what a read_committed reader is shown.
func (l *partitionLog) bounds(ctx context.Context) (start, end int64, err error) {
	if start, err = l.offset(ctx, sarama.OffsetOldest, sarama.ReadUncommitted); err != nil {
		return 0, 0, err
	}
	end, err = l.offset(ctx, sarama.OffsetNewest, sarama.ReadCommitted)
	return start, end, err
}

// oldest is the time of the first committed record.
func (l *partitionLog) oldest(ctx context.Context, start, end int64) (time.Time, error) {
	for at := start; at < end; {
		records, next, err := l.fetch(ctx, at)
		if err != nil || len(records) > 0 {
			if err != nil {
				return time.Time{}, err
			}
			return records[0].time, nil
		}
		if next <= at {
			break
		}
		at = next
	}
	return time.Time{}, nil
}

// last reads a window and keeps only its last records.
func (l *partitionLog) last(ctx context.Context, from, to int64, limit int) (kept []committed, err error) {
	for at := from; at < to; {
		some, next, err := l.fetch(ctx, at)
		if err != nil {
			return nil, err
		}
		if next <= at {
			break
		}
		for _, r := range some {
			if r.offset >= at && r.offset < to {
				kept = append(kept, r)
			}
		}
		if extra := len(kept) - limit; extra > 0 {
			kept = append(kept[:0], kept[extra:]...)
		}
		at = next
	}
	return kept, nil
}

// historyRecord decodes one record. What cannot be read is told, not hidden: a look at the history is how one finds it.
func (p Place) historyRecord(r committed) HistoryRecord {
	h := HistoryRecord{Offset: r.offset, Time: r.time.UTC(), ProducerID: r.producerID, Epoch: r.epoch}
	owner := ""
	switch string(r.record.Key) {
	case keyCheckpoint:
		decoded, err := decodeCheckpoint(r.record.Value)
		if h.Err = err; err == nil {
			h.Checkpoint, owner = &decoded.Checkpoint, decoded.Relay
		}
	case keyBarrier:
		if h.Barrier, h.Err = decodeBarrier(r.record.Value); h.Err == nil {
			owner = h.Barrier.Relay
		}
	default:
		h.Err = p.foreign(r, fmt.Sprintf("key %.40q", r.record.Key))
	}
	if h.Err == nil && owner != p.Relay {
		h = HistoryRecord{Offset: h.Offset, Time: h.Time, ProducerID: h.ProducerID, Epoch: h.Epoch, Err: p.foreign(r, fmt.Sprintf("relay %.40q", owner))}
	}
	return h
}
