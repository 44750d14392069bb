package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// scan hands the committed records of a partition up to before an offset to take, one fetch in memory at a time. What
// lies at end-1 must become visible in time: it was committed.
func (c *Client) scan(ctx context.Context, t *topic, partition int32, end int64, take func(committed) error) error {
	log, err := c.openLog(t, partition)
	if err != nil {
		return err
	}
	start, err := log.offset(ctx, sarama.OffsetOldest, sarama.ReadUncommitted)
	if err != nil {
		return err
	}
	for at := start; at < end; {
		if at, err = log.step(ctx, at, end, take); err != nil {
			return err
		}
	}
	return nil
}

// step hands what one fetch brings to take, and gives the offset behind it.
func (l *partitionLog) step(ctx context.Context, at, to int64, take func(committed) error) (int64, error) {
	records, next, err := l.await(ctx, at, to)
	if err != nil {
		return at, err
	}
	for _, r := range records {
		if r.offset < at || r.offset >= to {
			continue
		}
		if err := take(r); err != nil {
			return at, err
		}
	}
	return next, nil
}

// await fetches from an offset on until something is there.
func (l *partitionLog) await(ctx context.Context, at, to int64) (records []committed, next int64, err error) {
	patience, cancel := context.WithTimeout(ctx, barrierPatience)
	defer cancel()
	for {
		records, next, err = l.fetch(patience, at)
		if patience.Err() != nil && ctx.Err() == nil && (err != nil || next <= at) {
			return nil, at, fmt.Errorf("%w: %s partition %d offset %d", ErrBarrierUnseen, l.topic, l.partition, to-1)
		}
		if err != nil || next > at {
			return records, next, err
		}
	}
}

// ScanParked hands every record of the parked topic that was committed before this producer's barrier to take: the same
// position again when it was parked again, with a nil event when it is parked no more.
func (p *Producer) ScanParked(ctx context.Context, take func(outbox.Position, *Parked) error) error {
	t, end, err := p.parkedLog()
	if err != nil {
		return err
	}
	if err := p.c.scan(ctx, t, parkedPartition, end, p.c.parkedInto(take)); err != nil {
		return fmt.Errorf("read parked events: %w", err)
	}
	return nil
}

// FetchParked reads the parked events at these offsets, in the order of the offsets.
func (p *Producer) FetchParked(ctx context.Context, offsets []int64, take func(*Parked) error) error {
	t, end, err := p.parkedLog()
	if err != nil || len(offsets) == 0 {
		return err
	}
	offsets = slices.Sorted(slices.Values(offsets))
	log, err := p.c.openLog(t, parkedPartition)
	if err != nil {
		return err
	}
	into := p.c.parkedInto(func(_ outbox.Position, e *Parked) error {
		if e == nil || len(offsets) == 0 || e.Offset != offsets[0] {
			return nil
		}
		offsets = offsets[1:]
		return take(e)
	})
	for at := offsets[0]; len(offsets) > 0; at = max(at, next(offsets, end)) {
		if at > offsets[0] {
			return fmt.Errorf("read parked events: nothing lies at offset %d of %s any more", offsets[0], t.name)
		}
		if at, err = log.step(ctx, at, end, into); err != nil {
			return fmt.Errorf("read parked events: %w", err)
		}
	}
	return nil
}

// next is the first of the offsets that are wanted, or the end.
func next(offsets []int64, end int64) int64 {
	if len(offsets) == 0 {
		return end
	}
	return offsets[0]
}

func (p *Producer) parkedLog() (t *topic, end int64, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	name := p.c.cfg.ParkedTopic
	at, there := p.ownBarriers[topicPartition{name, parkedPartition}]
	if t = p.c.known(name); !there || t == nil {
		return nil, 0, errors.New("read parked events: no barrier was committed to the parked topic")
	}
	return t, at + 1, nil
}

// LookParked is ScanParked for an unfenced reader: it sees what is committed and visible now. ErrNoTopic when there is no
// parked topic.
func (c *Client) LookParked(ctx context.Context, take func(outbox.Position, *Parked) error) error {
	t, err := c.topicNamed(ctx, c.cfg.ParkedTopic, "Describe and Read")
	if err != nil {
		return err
	}
	log, err := c.openLog(t, parkedPartition)
	if err != nil {
		return err
	}
	end, err := log.offset(ctx, sarama.OffsetNewest, sarama.ReadCommitted)
	if err != nil {
		return err
	}
	if err := c.scan(ctx, t, parkedPartition, end, c.parkedInto(take)); err != nil {
		return fmt.Errorf("look at parked events: %w", err)
	}
	return nil
}

// parkedInto decodes records of the parked topic. Those of another relay refuse.
func (c *Client) parkedInto(take func(outbox.Position, *Parked) error) func(committed) error {
	return func(r committed) error {
		at, e, ours, err := decodeParked(r)
		switch {
		case err != nil:
			return err
		case !ours:
			return nil
		case e != nil && e.Relay != c.cfg.Relay:
			return &ForeignRecordError{Topic: c.cfg.ParkedTopic, Partition: parkedPartition, Offset: r.offset, What: fmt.Sprintf("relay %.40q", e.Relay)}
		}
		return take(at, e)
	}
}
