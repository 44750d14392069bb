package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"
)

const (
	// firstWindow is how many offsets before the barrier are read first: a transaction takes two, so it nearly always
	// holds the checkpoint.
	firstWindow  = 64
	windowGrowth = 8
	// barrierPatience is how long a committed barrier may take to become visible: its marker must be written, and
	// nobody else's transaction may be open on our partition.
	barrierPatience = 5 * time.Second
)

// Found is what lies before a producer's barrier.
type Found struct {
	// Checkpoint is the last one that was committed before the barrier; nil: there is none, and the log was read down to
	// offset 0.
	Checkpoint *Checkpoint
	// Furthest is the barrier of the highest timeline behind the checkpoint, our own included.
	Furthest *Barrier
}

// ReadCheckpoint reads the last checkpoint that was committed before this producer's barrier. It reads backwards in
// growing windows; reading to "the end" would miss what another open transaction hides.
func (p *Producer) ReadCheckpoint(ctx context.Context) (Found, error) {
	p.turn.Lock()
	at, who := p.barrierAt, p.barrier
	p.turn.Unlock()
	if at < 0 {
		return Found{}, errors.New("read checkpoint: no barrier was committed")
	}
	seen, err := p.c.readBefore(ctx, p.checkpoint, at, who)
	if p.c.proto.on() {
		p.c.logRead(at, seen.checkpoint, err)
	}
	if err != nil {
		return Found{}, fmt.Errorf("read checkpoint: %w", err)
	}
	found := Found{Furthest: seen.furthest}
	if seen.checkpoint != nil {
		found.Checkpoint = &seen.checkpoint.Checkpoint
	}
	return found, nil
}

func (c *Client) logRead(barrier int64, found *checkpointRecord, err error) {
	attrs := []slog.Attr{slog.Int64("barrier_offset", barrier), slog.Bool("found", found != nil)}
	if found != nil {
		attrs = append(attrs, aboutCheckpoint(&found.Checkpoint)...)
	}
	c.proto.write(actionRead, append(attrs, slog.String(keyAnswer, answerOf(err)))...)
}

func (c *Client) readBefore(ctx context.Context, t *topic, barrier int64, who identity) (newestOf, error) {
	var seen newestOf
	log, err := c.openLog(t, c.cfg.CheckpointPartition())
	if err != nil {
		return seen, err
	}
	start, err := log.offset(ctx, sarama.OffsetOldest, sarama.ReadUncommitted)
	if err != nil {
		return seen, err
	}
	to := barrier + 1
	from := max(start, to-firstWindow)
	records, err := log.untilBarrier(ctx, from, barrier, who)
	if err != nil {
		return seen, err
	}
	for size := int64(firstWindow); ; size *= windowGrowth {
		here, err := c.Place().newest(records)
		if err != nil {
			return seen, err
		}
		seen.further(here.furthest)
		if here.checkpoint != nil {
			seen.checkpoint = here.checkpoint
			return seen, nil
		}
		if from <= start {
			break
		}
		to, from = from, max(start, from-size*windowGrowth)
		if records, err = log.whole(ctx, from, to); err != nil {
			return seen, err
		}
	}
	if start != 0 {
		return seen, fmt.Errorf("%w: %s partition %d begins at offset %d and holds no checkpoint",
			ErrLogTruncated, t.name, log.partition, start)
	}
	return seen, nil
}

// untilBarrier reads up to and with the barrier, and waits for it to become visible.
func (l *partitionLog) untilBarrier(ctx context.Context, from, barrier int64, who identity) ([]committed, error) {
	patience, cancel := context.WithTimeout(ctx, barrierPatience)
	defer cancel()
	var records []committed
	for at := from; ; {
		some, reached, err := l.window(patience, at, barrier+1)
		if err != nil && ctx.Err() == nil && patience.Err() != nil {
			return nil, l.unseen(barrier)
		}
		if err != nil {
			return nil, err
		}
		records, at = append(records, some...), reached
		if at <= barrier {
			if patience.Err() != nil {
				return nil, l.unseen(barrier)
			}
			continue
		}
		if n := len(records); n == 0 || records[n-1].offset != barrier || records[n-1].producerID != who.producerID ||
			records[n-1].epoch != who.epoch || string(records[n-1].record.Key) != keyBarrier {
			return nil, fmt.Errorf("%w: another record lies at its offset", l.unseen(barrier))
		}
		return records, nil
	}
}

func (l *partitionLog) unseen(barrier int64) error {
	return fmt.Errorf("%w: %s partition %d offset %d", ErrBarrierUnseen, l.topic, l.partition, barrier)
}

// whole reads a window that lies before something visible, so all of it must be.
func (l *partitionLog) whole(ctx context.Context, from, to int64) ([]committed, error) {
	records, reached, err := l.window(ctx, from, to)
	if err == nil && reached < to {
		err = fmt.Errorf("read %s partition %d: nothing comes from offset %d, but %d is visible", l.topic, l.partition, reached, to)
	}
	return records, err
}

// newestOf is the newest checkpoint and barrier of a window.
type newestOf struct {
	checkpoint   *checkpointRecord
	checkpointAt int64
	barrier      *Barrier
	barrierAt    int64
	// furthest is the barrier of the highest timeline that is newer than the checkpoint: whoever wrote it has worked on
	// a server that was promoted later.
	furthest *Barrier
}

// newest finds the newest checkpoint and barrier of a window. A record that is not ours refuses wherever it lies; one
// that cannot be read refuses unless a newer one under its key has taken its place.
func (p Place) newest(records []committed) (newestOf, error) {
	var n newestOf
	for i := len(records) - 1; i >= 0; i-- {
		r := records[i]
		owner, err := n.take(r)
		if err != nil {
			return n, fmt.Errorf("%s partition %d offset %d: %w", p.Topic, p.Partition(), r.offset, err)
		}
		if owner == "" {
			return n, p.foreign(r, fmt.Sprintf("key %.40q", r.record.Key))
		}
		if owner != p.Relay {
			return n, p.foreign(r, fmt.Sprintf("relay %.40q", owner))
		}
	}
	return n, nil
}

// take looks at the next older record and tells whose it is: empty for a key that is not ours.
func (n *newestOf) take(r committed) (owner string, err error) {
	switch key := string(r.record.Key); {
	case key == keyCheckpoint && n.checkpoint == nil:
		if n.checkpoint, err = decodeCheckpoint(r.record.Value); err != nil {
			return "", err
		}
		n.checkpointAt = r.offset
		return n.checkpoint.Relay, nil
	case key == keyBarrier && n.checkpoint == nil:
		return n.takeBarrier(r)
	case key == keyBarrier && n.barrier == nil:
		n.barrierAt = r.offset
		if n.barrier, err = decodeBarrier(r.record.Value); err != nil {
			return "", err
		}
		return n.barrier.Relay, nil
	case key == keyCheckpoint:
		return ownerOf(r.record.Value, n.checkpoint.Relay), nil
	case key == keyBarrier:
		return ownerOf(r.record.Value, n.barrier.Relay), nil
	}
	return "", nil
}

// takeBarrier looks at a barrier that is newer than the checkpoint. Each of them counts, so each must be readable.
func (n *newestOf) takeBarrier(r committed) (owner string, err error) {
	b, err := decodeBarrier(r.record.Value)
	if err != nil {
		return "", err
	}
	if n.barrier == nil {
		n.barrier, n.barrierAt = b, r.offset
	}
	n.further(b)
	return b.Relay, nil
}

// further takes a barrier that is on a higher timeline than those before.
func (n *newestOf) further(b *Barrier) {
	if n.furthest == nil || b != nil && b.Timeline > n.furthest.Timeline {
		n.furthest = b
	}
}

// ownerOf is the relay that wrote a record which a newer one has superseded; heir when it cannot be read any more.
func ownerOf(value []byte, heir string) string {
	var r struct {
		Relay string `json:"relay"`
	}
	if json.Unmarshal(value, &r) == nil && r.Relay != "" {
		return r.Relay
	}
	return heir
}

func (p Place) foreign(r committed, what string) error {
	return &ForeignRecordError{Topic: p.Topic, Partition: p.Partition(), Offset: r.offset, What: what}
}
