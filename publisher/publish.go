package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// job is what one Kafka transaction is made of.
type job struct {
	plan    *Plan // nil: the control record alone
	own     ownRecords
	stamp   stamp
	control sarama.Record
	about   []slog.Attr // for the protocol log
}

func (j *job) batch() *outbox.Batch {
	if j.plan == nil {
		return nil
	}
	return j.plan.batch
}

// Barrier commits the barrier in a transaction of its own, to the partitions of checkpoint and holds. It sets the epoch
// of b.
func (p *Producer) Barrier(ctx context.Context, b Barrier) error {
	return p.commitBarrier(ctx, b, false)
}

// BarrierForParked is Barrier for a session that reads parked events too: it lies in the parked topic as well.
func (p *Producer) BarrierForParked(ctx context.Context, b Barrier) error {
	return p.commitBarrier(ctx, b, true)
}

func (p *Producer) commitBarrier(ctx context.Context, b Barrier, parked bool) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	if err := p.await(ctx); err != nil {
		return err
	}
	who := p.identity()
	b.Epoch = who.epoch
	value, err := encodeBarrier(&b)
	if err != nil {
		return err
	}
	own, err := p.planOwn(ctx, p.c.barriers(value, parked))
	if err != nil {
		return p.fail(err)
	}
	j := &job{
		own:     own,
		stamp:   newStamp(p.c.cfg.Name(), b.Generation, 0, 0, time.Now()),
		control: sarama.Record{Key: []byte(keyBarrier), Value: value},
		about:   []slog.Attr{slog.Int("timeline", int(b.Timeline))},
	}
	if _, err := p.transact(ctx, j); err != nil {
		return fmt.Errorf("commit barrier: %w", err)
	}
	p.barrierAt, p.barrier = p.lanes[0].end, who
	p.ownBarriers = map[topicPartition]int64{}
	for i := range p.lanes[1:] {
		l := &p.lanes[1+i]
		p.ownBarriers[topicPartition{l.topic.name, l.partition}] = l.end
	}
	if p.c.proto.on() {
		p.c.proto.write(actionBarrier, slog.Int64("offset", p.barrierAt), slog.Int64("pid", who.producerID),
			slog.Int("epoch", int(who.epoch)), slog.Int("timeline", int(b.Timeline)))
	}
	return nil
}

// Announce says that the batch of this plan will be published next, whatever happens. Its partitions are then added to
// the next transaction as soon as the present one has committed, off the path of the events. Never announce a plan that
// may have to wait: the transaction stays open, runs into its time-out, and this producer is fenced.
func (p *Producer) Announce(plan *Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = plan
}

func (p *Producer) takeAnnounced() *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := p.next
	p.next = nil
	return plan
}

// forget drops an announcement that came too late to help.
func (p *Producer) forget(plan *Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == plan {
		p.next = nil
	}
}

// Publish commits one Kafka transaction with the events and the checkpoint. It has committed if the error is nil. Any
// error is doubt about this transaction, an *EventError included, except that a transaction with an *EventError, an
// *OwnError or an *OffsetError was certainly not committed: open a new session.
func (p *Producer) Publish(ctx context.Context, c Commit) (Result, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	plan, err := p.planOf(ctx, c)
	if err != nil {
		return Result{}, p.fail(err)
	}
	j, err := p.job(ctx, c, plan)
	if err != nil {
		return Result{}, p.fail(err)
	}
	if err := p.await(ctx); err != nil {
		return Result{}, err
	}
	p.forget(plan)
	p.remember(c.Checkpoint.Ends)
	bytes, err := p.transact(ctx, j)
	if err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	return p.result(bytes, j), nil
}

// job makes what the transaction carries.
func (p *Producer) job(ctx context.Context, c Commit, plan *Plan) (*job, error) {
	if c.Checkpoint == nil {
		return nil, errors.New("publish: no checkpoint")
	}
	value, err := encodeCheckpoint(c.Checkpoint, p.barrierAt)
	if err != nil {
		return nil, err
	}
	own, err := p.planOwn(ctx, c.Own)
	if err != nil {
		return nil, err
	}
	j := &job{
		plan:    plan,
		own:     own,
		stamp:   newStamp(p.c.cfg.Name(), c.Checkpoint.Generation, c.FirstSeq, c.Piece, time.Now()),
		control: sarama.Record{Key: []byte(keyCheckpoint), Value: value},
	}
	if p.c.proto.on() {
		j.about = aboutCheckpoint(c.Checkpoint)
	}
	return j, nil
}

// aboutCheckpoint tells checkpoints apart in the protocol log.
func aboutCheckpoint(c *Checkpoint) []slog.Attr {
	about := []slog.Attr{slog.Uint64("seq", c.Seq), slog.String("resume_lsn", c.ResumeLSN.String())}
	if c.Holds.Parked > 0 || c.Holds.Count > 0 {
		about = append(about, slog.Uint64("parked", c.Holds.Parked), slog.Uint64("held_keys", c.Holds.Count))
	}
	return about
}

func (p *Producer) planOf(ctx context.Context, c Commit) (*Plan, error) {
	if c.Plan == nil && c.Batch != nil && c.Batch.Len() > 0 {
		return p.c.Plan(ctx, c.Batch, nil)
	}
	if c.Plan != nil && (c.Plan.batch != c.Batch || c.Batch != nil && c.Plan.records != c.Batch.Len()) {
		return nil, errors.New("publish: the batch is not the one that was planned")
	}
	return c.Plan, nil
}

// remember takes the ends of the checkpoint: offsets that must not be given away a second time.
func (p *Producer) remember(ends []End) {
	for _, e := range ends {
		key := topicPartition{e.Topic, e.Partition}
		if known, ok := p.ends[key]; !ok || known < e.Offset {
			p.ends[key] = e.Offset
		}
	}
}

func (p *Producer) result(bytes int64, j *job) Result {
	r := Result{Bytes: bytes, CheckpointOffset: p.lanes[0].end, HoldsOffset: -1}
	events := len(p.lanes) - 1 - len(j.own.lanes)
	for i := range min(events, MaxEnds) {
		l := &p.lanes[1+i]
		r.Ends = append(r.Ends, End{Topic: l.topic.name, Partition: l.partition, Offset: l.end})
	}
	for i := range j.own.lanes {
		if l := &p.lanes[1+events+i]; l.topic.name == p.checkpoint.name {
			r.HoldsOffset = l.end
		}
	}
	return r
}
