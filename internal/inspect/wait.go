package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// Goal is what to wait for: exactly one of its fields is set.
type Goal struct {
	CaughtUp bool         // everything that committed before the command began is decided
	LSN      outbox.LSN   // everything that committed before it is decided
	Event    string       // the event with this id is in Kafka
	State    status.State // the relay's state
}

// pollEvery is how often a wait looks.
const pollEvery = 500 * time.Millisecond

// Wait looks again and again until the goal is reached or ctx ends. A server that cannot be reached is waited for. say
// tells once each thing that is worth knowing meanwhile. The error at the end of time says what was seen last; it is that
// of the server when one did not answer.
func Wait(ctx context.Context, cfg Config, goal Goal, say func(string)) error {
	w := &wait{cfg: cfg, goal: goal, say: say}
	for {
		done, err := w.look(ctx)
		switch {
		case done:
			return nil
		case ctx.Err() != nil:
			if w.seen == "" { // no look has ever got through, so this one was not merely cut off
				w.last = err
			}
			return w.ended(ctx)
		case err != nil && !passing(err):
			return err
		}
		w.last = err
		if pause.For(ctx, pollEvery) != nil {
			return w.ended(ctx)
		}
	}
}

// wait is one wait.
type wait struct {
	cfg    Config
	goal   Goal
	say    func(string)
	said   string
	target outbox.LSN // of CaughtUp, once known
	search *search    // of Event, while the connections last
	sess   *Session
	last   error  // of the last look
	seen   string // by the last look that saw something
}

// passing tells what may pass while one waits: everything but wrong usage and configuration.
func passing(err error) bool {
	code := fault.Exit(err)
	return code != fault.ExitUsage && code != fault.ExitConfig
}

// ended is why the wait is over without the goal.
func (w *wait) ended(ctx context.Context) error {
	w.drop()
	cause := context.Cause(ctx)
	if !errors.Is(cause, context.DeadlineExceeded) && !isTimeout(cause) {
		return cause
	}
	if fault.Exit(w.last) == fault.ExitUnreachable {
		return w.last
	}
	f := &fault.Error{Code: fault.TimedOut, Summary: "timed out waiting for " + w.goal.String()}
	if w.seen != "" {
		f.Details = append(f.Details, "last seen         "+w.seen)
	}
	if w.last != nil {
		f.Details = append(f.Details, "last look         "+w.last.Error())
	}
	f.Hint = "`relay status` shows why; --timeout waits longer."
	return f
}

func isTimeout(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Code == fault.TimedOut
}

// String names the goal.
func (g Goal) String() string {
	switch {
	case g.CaughtUp:
		return "caught-up"
	case g.LSN != 0:
		return "lsn=" + g.LSN.String()
	case g.Event != "":
		return "event=" + g.Event
	}
	return "state=" + string(g.State)
}

func (w *wait) drop() {
	if w.sess != nil {
		w.sess.Close()
		w.sess, w.search = nil, nil
	}
}

// tell says something once.
func (w *wait) tell(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != w.said {
		w.said = text
		w.say(text)
	}
}

// look opens a session when there is none; any trouble ends it, and the next look begins anew.
func (w *wait) look(ctx context.Context) (done bool, err error) {
	if w.sess == nil {
		if w.sess, err = Open(w.cfg); err != nil {
			return false, err
		}
	}
	switch {
	case w.goal.Event != "":
		done, err = w.event(ctx)
	case w.goal.State != "":
		done, err = w.state(ctx)
	default:
		done, err = w.reached(ctx)
	}
	if err != nil || done {
		w.drop()
	}
	return done, err
}

// reached tells whether the checkpoint has passed the LSN.
func (w *wait) reached(ctx context.Context) (bool, error) {
	conn, err := w.sess.viewer.Postgres(ctx)
	if err != nil {
		return false, err
	}
	end, err := insertEnd(ctx, conn)
	if err != nil {
		return false, w.sess.viewer.PostgresTrouble(err)
	}
	target := w.goal.LSN
	if w.goal.CaughtUp {
		if w.target == 0 {
			w.target = end
		}
		target = w.target
	} else if target > end {
		w.tell("%s is beyond the end of the WAL (%s): waiting until the database gets there", target, end)
	}
	kafka, err := w.sess.viewer.Kafka(ctx)
	if err != nil {
		return false, err
	}
	look, err := kafka.Look(ctx)
	if err != nil {
		return false, w.sess.viewer.KafkaTrouble("", err)
	}
	if look.Checkpoint == nil {
		w.seen = "no checkpoint"
		return false, nil
	}
	w.seen = fmt.Sprintf("checkpoint at %s, %d bytes before %s", look.Checkpoint.ResumeLSN, max(0, int64(target)-int64(look.Checkpoint.ResumeLSN)), target)
	return look.Checkpoint.ResumeLSN >= target, nil
}

// state takes the daemon's word, and without it that of the servers, which know streaming only.
func (w *wait) state(ctx context.Context) (bool, error) {
	view, err := w.sess.Daemon(ctx)
	if err == nil {
		w.seen = "state " + string(view.State)
		return view.State == w.goal.State, nil
	}
	if w.goal.State != status.Streaming {
		w.seen = err.Error()
		return false, err
	}
	cp, err := w.sess.Checkpoint(ctx)
	if err != nil {
		return false, err
	}
	w.seen = "no daemon on this host; verdict " + string(cp.Verdict)
	if cp.Reason != "" {
		w.seen += ": " + cp.Reason
	}
	return cp.Verdict == OK, nil
}

// event goes on reading the topics where the last look ended.
func (w *wait) event(ctx context.Context) (bool, error) {
	if w.search == nil {
		id, err := w.sess.normal(w.goal.Event)
		if err != nil {
			return false, err
		}
		if w.search, err = w.sess.newSearch(ctx, id, TraceOptions{}); err != nil {
			return false, err
		}
	}
	found, err := w.search.run(ctx)
	w.seen = fmt.Sprintf("no event with that id in %s", w.search.where())
	return len(found) > 0, err
}
