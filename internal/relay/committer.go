package relay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

const (
	// stopGrace is how long a Kafka transaction that has begun may take when the relay is told to stop.
	stopGrace = 10 * time.Second
	// aliveInterval is after how long a checkpoint is written although nothing moved: Kafka forgets a transactional id
	// that is idle for seven days.
	aliveInterval = 24 * time.Hour
)

// errCaughtUp ends a session that was to stop when nothing is left.
var errCaughtUp = errors.New("caught up")

// errStopped is the cause of a context that was cancelled by a signal: what has begun is finished.
var errStopped = errors.New("stopped")

// producer is the committer's view of Kafka.
type producer interface {
	// Publish commits the events and their checkpoint in one transaction; it has committed if and only if err is nil.
	Publish(ctx context.Context, c publisher.Commit) (publisher.Result, error)
}

// planner decides the partition of each record of a batch, in the memory of a plan that is no longer needed.
type planner interface {
	Plan(ctx context.Context, batch *outbox.Batch, reuse *publisher.Plan) (*publisher.Plan, error)
}

// committer publishes units, each with its checkpoint, and acknowledges to Postgres what is durable. It runs on one
// goroutine and is the only one that knows the newest checkpoint.
type committer struct {
	pipe     *pipeline
	planner  planner
	producer producer
	gate     *gate
	stream   acknowledger
	protocol *slog.Logger
	status   *status.Tracker
	trace    Tracer // nil: nobody wants spans
	log      *slog.Logger

	last publisher.Checkpoint // durable
	ends []publisher.End      // of the newest transaction with events
	// acknowledged begins with the resume LSN of the checkpoint that was read: a piece of a transaction leaves it where
	// it is, and nothing that the stream has not reached yet may be acknowledged.
	acknowledged outbox.LSN
	durable      durable
	plan         *publisher.Plan // of the transaction before, to be used again
	timeline     uint32
	writer       publisher.Writer
	now          func() time.Time
	idleEvery    time.Duration
	stopAt       outbox.LSN // end the session once this is durable; 0: never
	badReports   func(badEvents)
	progressed   func() // called after the first transaction of the session
}

// acknowledger is the committer's view of the replication stream.
type acknowledger interface {
	// Acknowledge tells Postgres that everything before lsn is durable.
	Acknowledge(lsn outbox.LSN) error
}

// run ends with nil when the pipeline was closed and everything in it is durable.
func (c *committer) run(ctx context.Context) error {
	idle := time.NewTicker(c.idleEvery)
	defer idle.Stop()
	for ctx.Err() == nil {
		u, ended := c.pipe.take()
		if ended {
			return nil
		}
		if err := c.step(ctx, u, idle.C); err != nil {
			return err
		}
		if c.stopAt > 0 && c.last.ResumeLSN >= c.stopAt {
			return errCaughtUp
		}
	}
	return context.Cause(ctx)
}

// step commits a unit, or waits for one and keeps the checkpoint moving meanwhile.
func (c *committer) step(ctx context.Context, u *unit, idle <-chan time.Time) error {
	if u != nil {
		return c.commit(ctx, u)
	}
	if at := c.pipe.peekIdle(); c.stopAt > 0 && at.resume >= c.stopAt {
		return c.idle(ctx)
	}
	select {
	case <-c.pipe.ready:
	case <-idle:
		return c.idle(ctx)
	case <-c.durable.wanted:
		return c.idle(ctx)
	case <-ctx.Done():
	}
	return nil
}

func (c *committer) commit(ctx context.Context, u *unit) error {
	next := c.next(u.resume, u.witness)
	next.Partial, next.Pieces = u.partial, 0
	if u.partial != nil {
		next.Pieces = u.piece
	}
	next.EventsTotal += uint64(u.batch.Len())
	next.Holds.Parked += uint64(len(u.siding.events))
	next.Holds.Count += uint64(u.siding.holds)
	if err := c.events(ctx, u, &next); err != nil {
		c.badReports(refusedOf(u, err))
		return err
	}
	c.parked(u)
	c.pipe.recycle(u)
	return nil
}

// events publishes a unit with its checkpoint.
func (c *committer) events(ctx context.Context, u *unit, next *publisher.Checkpoint) error {
	plan, err := c.planner.Plan(ctx, u.batch, c.plan)
	if err != nil {
		return err
	}
	c.plan = plan
	return c.publish(ctx, publisher.Commit{
		Batch: u.batch, Plan: plan, Own: u.siding.own(), FirstSeq: c.last.EventsTotal + 1, Piece: u.piece, Checkpoint: next,
	}, u)
}

// idle moves the checkpoint when the stream has come further with nothing to publish: otherwise WAL would pile up.
func (c *committer) idle(ctx context.Context) error {
	at := c.pipe.takeIdle()
	moved := at.resume > c.last.ResumeLSN
	if c.last.Partial != nil || (!moved && c.now().Sub(c.last.Time) < aliveInterval) {
		return nil
	}
	next := c.next(max(at.resume, c.last.ResumeLSN), at.witness)
	return c.publish(ctx, publisher.Commit{Checkpoint: &next}, &unit{})
}

// next is the checkpoint after the last one, with everything carried over that does not change.
func (c *committer) next(resume outbox.LSN, witness publisher.Transaction) publisher.Checkpoint {
	next := c.last
	next.Seq++
	next.Timeline, next.ResumeLSN = c.timeline, resume
	if witness != (publisher.Transaction{}) {
		next.Witness = &witness
	}
	if c.ends != nil {
		next.Ends = c.ends
	}
	next.Writer = c.writer
	next.Time = c.now()
	return next
}

func (c *committer) publish(ctx context.Context, commit publisher.Commit, u *unit) error {
	begun, res, err := c.transact(ctx, commit)
	if err != nil {
		return err
	}
	c.last = *commit.Checkpoint
	c.durable.reached(c.last.ResumeLSN)
	if len(res.Ends) > 0 {
		c.ends = res.Ends
	}
	if res.HoldsOffset >= 0 {
		c.last.Holds.LastOffset = res.HoldsOffset
	}
	done := status.Commit{
		Bytes: res.Bytes, Transactions: u.transactions, Duration: c.now().Sub(begun), CommitTime: u.commitTime, Checkpoint: shown(&c.last),
	}
	if commit.Batch != nil {
		done.Events = commit.Batch.Len()
		if c.trace != nil {
			c.trace.Published(commit.Batch, c.now())
		}
	}
	if commit.Plan != nil {
		c.status.Written(commit.Plan.Lanes)
	}
	u.uncount(c.status)
	c.status.Committed(done)
	if c.progressed != nil {
		c.progressed()
		c.progressed = nil
	}
	return c.acknowledge()
}

// transact publishes when that is allowed, and tells when it began.
func (c *committer) transact(ctx context.Context, commit publisher.Commit) (begun time.Time, res publisher.Result, err error) {
	if err := c.gate.enter(ctx); err != nil {
		return begun, res, err
	}
	defer c.gate.leave()
	ctx, cancel := finishing(ctx)
	defer cancel()
	begun = c.now()
	res, err = c.producer.Publish(ctx, commit)
	return begun, res, err
}

// shown is the part of a checkpoint that the status shows.
func shown(cp *publisher.Checkpoint) status.Checkpoint {
	return status.Checkpoint{
		ResumeLSN: cp.ResumeLSN, Timeline: cp.Timeline, Seq: cp.Seq, EventsTotal: cp.EventsTotal, Parked: cp.Holds.Parked, HeldKeys: cp.Holds.Count,
	}
}

// acknowledge is the only place where Postgres is told that it may forget: exactly what the durable checkpoint says.
func (c *committer) acknowledge() error {
	lsn := c.last.ResumeLSN
	if lsn <= c.acknowledged {
		return nil
	}
	c.acknowledged = lsn
	c.protocol.Info("acknowledge", keyResumeLSN, lsn, keySeq, c.last.Seq)
	if err := c.stream.Acknowledge(lsn); err != nil {
		return err
	}
	c.status.Acknowledged(lsn)
	return nil
}

// finishing gives a context for a Kafka transaction. When the session is asked to end it lives on for stopGrace, so that
// what has begun is not thrown away; any other end of the session ends it at once.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		if !asked(cause) {
			cancel(cause)
			return
		}
		time.AfterFunc(stopGrace, func() { cancel(cause) })
	})
	return own, func() {
		stop()
		cancel(context.Canceled)
	}
}

// asked tells the ends of a session that somebody has asked for: nothing is in doubt.
func asked(cause error) bool {
	return errors.Is(cause, errStopped) || errors.Is(cause, errReload) || errors.Is(cause, errCommandWaits)
}
