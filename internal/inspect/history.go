package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// History is what a checkpoint topic still holds. Compaction takes older records away, except the last of each key.
type History struct {
	Relay    string         `json:"relay"`
	Topic    string         `json:"topic"`
	Oldest   *time.Time     `json:"oldest"`   // record that is still there; null: none
	Complete bool           `json:"complete"` // Items begin with the oldest
	Items    []HistoryEntry `json:"items"`    // newest first
}

// HistoryEntry is one record: a checkpoint, the barrier of a session, or what cannot be read.
type HistoryEntry struct {
	Offset int64     `json:"offset"`
	Time   time.Time `json:"time"`
	Epoch  int16     `json:"producer_epoch"`
	// What is checkpoint, idle (a checkpoint that only moved on), barrier or unreadable.
	What      string                `json:"what"`
	Events    *uint64               `json:"events"` // published since the next older checkpoint here; null: not known
	Record    *publisher.Checkpoint `json:"checkpoint,omitempty"`
	Barrier   *publisher.Barrier    `json:"barrier,omitempty"`
	Problem   string                `json:"problem,omitempty"`
	ResumeLSN *outbox.LSN           `json:"resume_lsn,omitempty"`
}

// The kinds of history entries.
const (
	EntryCheckpoint = "checkpoint"
	EntryIdle       = "idle"
	EntryBarrier    = "barrier"
	EntryUnreadable = "unreadable"
)

// History reads the newest records of a relay's checkpoint topic, at most limit. name is a relay's, with the shard after
// a dot where it has several; empty for the configured one.
func (s *Session) History(ctx context.Context, name string, limit int) (History, error) {
	kafka, err := s.viewer.Kafka(ctx)
	if err != nil {
		return History{}, err
	}
	at := kafka.Place()
	if name != "" && name != at.Relay {
		if at, err = s.find(ctx, kafka, name); err != nil {
			return History{}, err
		}
	}
	seen, err := kafka.History(ctx, at, limit)
	if err != nil {
		return History{}, s.viewer.KafkaTrouble(at.Topic, err)
	}
	return history(at, seen), nil
}

// find is the place of a relay named on the command line.
func (s *Session) find(ctx context.Context, kafka *publisher.Client, name string) (publisher.Place, error) {
	places, err := kafka.Places(ctx, s.cfg.CheckpointPrefix)
	if err != nil {
		return publisher.Place{}, s.viewer.KafkaTrouble("", err)
	}
	for _, at := range places {
		if at.Relay == name || fmt.Sprintf("%s.%d", at.Relay, at.Shard) == name {
			return at, nil
		}
	}
	return publisher.Place{}, NoRelay(name)
}

// NoRelay says that a name is no relay's.
func NoRelay(name string) error {
	return &fault.Error{
		Code: fault.NotFound, Summary: fmt.Sprintf("no checkpoint of a relay named %q in this cluster", name),
		Hint: "`relay checkpoint list` shows all relays of the cluster whose topics begin with kafka.checkpoint_topic.",
	}
}

func history(at publisher.Place, seen publisher.History) History {
	h := History{Relay: at.Relay, Topic: at.Topic, Complete: seen.Complete, Items: []HistoryEntry{}}
	if !seen.Oldest.IsZero() {
		oldest := seen.Oldest.UTC()
		h.Oldest = &oldest
	}
	for i, r := range seen.Records {
		h.Items = append(h.Items, historyEntry(r, older(seen.Records[i+1:])))
	}
	return h
}

// older is the next checkpoint below.
func older(records []publisher.HistoryRecord) *publisher.Checkpoint {
	for _, r := range records {
		if r.Checkpoint != nil {
			return r.Checkpoint
		}
	}
	return nil
}

func historyEntry(r publisher.HistoryRecord, before *publisher.Checkpoint) HistoryEntry {
	e := HistoryEntry{Offset: r.Offset, Time: r.Time, Epoch: r.Epoch, Record: r.Checkpoint, Barrier: r.Barrier}
	switch {
	case r.Err != nil:
		e.What, e.Problem = EntryUnreadable, r.Err.Error()
	case r.Barrier != nil:
		e.What = EntryBarrier
	default:
		e.What, e.ResumeLSN = EntryCheckpoint, &r.Checkpoint.ResumeLSN
		if before != nil && before.Generation == r.Checkpoint.Generation && before.EventsTotal <= r.Checkpoint.EventsTotal {
			events := r.Checkpoint.EventsTotal - before.EventsTotal
			e.Events = &events
			if events == 0 && before.Seq+1 == r.Checkpoint.Seq && r.Checkpoint.Partial == nil && before.Partial == nil {
				e.What = EntryIdle
			}
		}
	}
	return e
}
