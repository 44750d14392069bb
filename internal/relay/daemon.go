package relay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// RunOptions change when Run ends.
type RunOptions struct {
	Once            bool // when everything committed before the start is published
	ExitWhenRefused bool // when a person must decide
	// Control lets others pause the relay and give it another configuration; nil: nobody does.
	Control *Control
}

// ErrStopped is the cause with which a caller cancels Run's context so that it finishes what has begun.
var ErrStopped = errStopped

// Run is the daemon: one session after the other until ctx is cancelled with ErrStopped. It ends by itself, with an
// error, only for a configuration that cannot work, and as opts say.
func Run(ctx context.Context, cfg Config, opts RunOptions) error {
	cfg = cfg.withDefaults()
	if _, err := newSession(&cfg); err != nil {
		return err
	}
	if opts.Control == nil {
		opts.Control = NewControl()
	}
	opts.Control.begin(&cfg)
	d := &daemon{opts: opts}
	for {
		over, err := d.round(ctx)
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		if over {
			return err
		}
	}
}

// round is one session and the wait after it. over says that the daemon ends with err.
func (d *daemon) round(ctx context.Context) (over bool, err error) {
	ctx, end, cfg, changed := d.opts.Control.round(ctx)
	defer end()
	d.cfg = cfg
	if changed {
		d.bad, d.said, d.noted = nil, "", ""
		d.backoff.reset()
	}
	err = d.session(ctx)
	if ctx.Err() != nil {
		return false, nil
	}
	if over, err := d.ends(err); over {
		return true, err
	}
	// What ends the wait early is seen in the context by whoever gave it.
	_ = d.pause(ctx, err)
	return false, nil
}

func stopped(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errStopped) {
		return cause
	}
	return nil
}

// daemon is what outlives sessions.
type daemon struct {
	cfg     *Config
	opts    RunOptions
	backoff backoff
	bad     badEvents // named by Kafka in the session before
	facts   guard.Facts
	halted  bool   // the session before stopped at an event that cannot be published
	said    string // the trouble that was logged last and is not over: each is said once
	noted   string // likewise of what does not change the state: a halt and what led to it take turns
}

// session runs one session to its end.
func (d *daemon) session(ctx context.Context) (err error) {
	begun := time.Now()
	s, err := newSession(d.cfg)
	if err != nil {
		return err
	}
	if d.said != "" || d.noted != "" {
		s.log = slog.New(slog.DiscardHandler) // the trouble was said; its retries would flood the log
	}
	d.cfg.Status.SessionStarted()
	defer func() {
		s.close()
		if errors.Is(context.Cause(ctx), errReload) {
			err = errReload
		}
		d.facts = s.facts
		d.cfg.Status.SessionEnded(endReason(err))
	}()
	if err = s.start(ctx); err != nil {
		if _, active := errors.AsType[*replication.SlotActiveError](err); active && !d.opts.Once {
			d.report(status.Standby, err)
			return s.awaitSlot(ctx)
		}
		return err
	}
	s.sayParked()
	st := s.newStreaming(d.bad, d.opts.Once)
	st.committer.gate = d.opts.Control.gate
	st.receiver.probing.Store(d.halted)
	st.committer.progressed = func() {
		st.receiver.probing.Store(false)
		d.progressed()
	}
	d.streaming(time.Since(begun))
	endCleanup := s.startCleanup(ctx, &st.committer.durable)
	err = st.run(ctx, s.stream.Close)
	endCleanup()
	d.remember(st.bad, err)
	return err
}

// remember keeps what Kafka does not take for the next session. After a halt everything is asked again: the cause may be
// gone.
func (d *daemon) remember(found badEvents, err error) {
	if _, halted := errors.AsType[*halt](err); halted {
		d.bad, d.cfg.Kafka.Missing = nil, nil
		return
	}
	d.bad.add(found)
	if e, ok := errors.AsType[*publisher.EventError](err); ok {
		d.cfg.Kafka.Missing = missing(d.cfg.Kafka.Missing, e)
	}
}

// start goes through the start-up order up to the guard.
func (s *session) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.look, s.ask, s.judgeBeforeFence, s.ownByCourtesy, s.fenceAsOwner, s.read, s.readHolds, s.guard,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) judgeBeforeFence(context.Context) error {
	s.show()
	return asError(guard.BeforeFence(&s.facts))
}

// ownByCourtesy takes the slot unless a command has it or waits for it.
func (s *session) ownByCourtesy(ctx context.Context) error {
	var err error
	if s.side, err = s.pg.Sibling(ctx); err != nil {
		return postgresTrouble(s.cfg, err)
	}
	if err := s.lockShared(ctx); err != nil {
		return err
	}
	return s.own(ctx)
}

func (s *session) fenceAsOwner(ctx context.Context) error { return s.fence(ctx, s.stillOurs) }

// streaming says that the stream runs. After a halt that is no news until something was committed: the event that
// cannot be published may come again in a moment.
func (d *daemon) streaming(took time.Duration) {
	d.cfg.Status.Recovered(took)
	if d.halted {
		return
	}
	d.cfg.Status.SetState(status.Streaming, "", 0)
	d.cfg.Logger.Info("streaming", "recovery", took.Round(time.Millisecond))
}

// progressed is called when a session has committed something for the first time: the trouble before it is over.
func (d *daemon) progressed() {
	d.backoff.reset()
	if d.halted {
		d.cfg.Logger.Info("going on: the event that stopped the relay is decided")
	}
	d.said, d.noted, d.halted = "", "", false
	d.cfg.Status.SetState(status.Streaming, "", 0)
}

// ends says whether the daemon ends with this session, and how.
func (d *daemon) ends(err error) (bool, error) {
	if errors.Is(err, errCaughtUp) {
		return true, nil
	}
	_, refused := errors.AsType[*guard.Refusal](err)
	halted, isHalt := errors.AsType[*halt](err)
	switch {
	case isHalt && (d.opts.Once || d.opts.ExitWhenRefused):
		return true, halted.fault()
	case refused && (d.opts.Once || d.opts.ExitWhenRefused):
		return true, err
	case d.opts.Once && !d.again(err):
		return true, err
	}
	return false, nil
}

// again tells the ends of a session that a relay that runs once goes on after: those that a new session resolves.
func (d *daemon) again(err error) bool {
	_, busy := errors.AsType[*commandBusyError](err) // it ends soon, or has ended and the server does not know it yet
	return busy || isRefusedEvent(err) || errors.Is(err, errCommandWaits)
}

// pause waits until a new session makes sense, and says why meanwhile.
func (d *daemon) pause(ctx context.Context, err error) error {
	if refusal, ok := errors.AsType[*guard.Refusal](err); ok {
		d.report(status.Refused, refusal)
		return d.awaitChange(ctx, refusal)
	}
	if halted, ok := errors.AsType[*halt](err); ok {
		d.halted = true
		d.cfg.Status.HaltedBefore(halted.commitTime)
		d.report(status.Halted, halted.fault())
		return pause.For(ctx, d.backoff.next())
	}
	if isRefusedEvent(err) {
		d.note("kafka named an event that it does not take", err)
		return ctx.Err()
	}
	if errors.Is(err, errSlotFree) {
		return ctx.Err()
	}
	if standby(err) {
		d.report(status.Standby, err)
		return pause.For(ctx, commandEvery)
	}
	if errors.Is(err, publisher.ErrFenced) {
		d.report(status.Starting, err)
		return pause.For(ctx, fencedPause())
	}
	d.report(troubleState(err), err)
	return pause.For(ctx, d.backoff.next())
}

// endReason is why a session ended, as one of a few fixed words: it becomes a label.
func endReason(err error) string {
	_, refused := errors.AsType[*guard.Refusal](err)
	_, halted := errors.AsType[*halt](err)
	trouble, known := errors.AsType[*fault.Error](err)
	switch {
	case errors.Is(err, errStopped):
		return "stopped"
	case errors.Is(err, errCaughtUp):
		return "caught_up"
	case errors.Is(err, errReload):
		return "reload"
	case refused:
		return "refused"
	case halted:
		return "halted"
	case isRefusedEvent(err):
		return "bad_event"
	case errors.Is(err, errSlotFree):
		return "standby"
	case standby(err):
		return "command"
	case errors.Is(err, publisher.ErrFenced):
		return "fenced"
	case known && trouble.Code.Exit() == fault.ExitUnreachable:
		return "unreachable"
	}
	return "doubt"
}

// standby tells that a command works or waits.
func standby(err error) bool {
	_, command := errors.AsType[*commandBusyError](err)
	return command || errors.Is(err, errCommandWaits)
}
