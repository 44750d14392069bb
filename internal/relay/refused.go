package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
)

const msgLookedAgain = "looked again"

// awaitChange only looks, with back-off and without slot, fence or barrier, until a fact that the verdict names has
// changed.
func (d *daemon) awaitChange(ctx context.Context, refusal *guard.Refusal) error {
	seen := refusal.Values(&d.facts)
	var wait backoff
	for {
		if err := pause.For(ctx, wait.next()); err != nil {
			return err
		}
		now, err := d.glance(ctx)
		d.cfg.Logger.Debug(msgLookedAgain, "code", refusal.Code.String())
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && d.sameRefusal(err, refusal):
		case err != nil:
			d.note("cannot look whether the cause of the refusal is gone", err)
		case refusal.Values(now) != seen:
			d.cfg.Logger.Info("what the refusal named has changed", "code", refusal.Code.String())
			return nil
		}
	}
}

// glance gathers the facts that need no slot.
func (d *daemon) glance(ctx context.Context) (*guard.Facts, error) {
	s, err := newSession(d.cfg)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	return &s.facts, nil
}

// sameRefusal tells that looking fails for the very reason of the refusal, as for a checkpoint that cannot be decoded.
func (d *daemon) sameRefusal(err error, refusal *guard.Refusal) bool {
	again, ok := errors.AsType[*guard.Refusal](err)
	return ok && again.Code == refusal.Code
}

// report sets the state and says why, once per change.
func (d *daemon) report(state status.State, err error) {
	var code fault.Code
	reason := err.Error()
	attrs := []any{"state", string(state), "reason", reason}
	f, ok := errors.AsType[*fault.Error](err)
	if ok {
		code = f.Code
		d.cfg.Status.SetFault(state, firstLine(reason), f)
		attrs = append(attrs, "code", code.String())
		for _, detail := range f.Details {
			attrs = append(attrs, slog.String("detail", strings.Join(strings.Fields(detail), " ")))
		}
		if f.Hint != "" {
			attrs = append(attrs, "hint", f.Hint)
		}
	}
	if !ok {
		d.cfg.Status.SetState(state, firstLine(reason), 0)
	}
	if key := fmt.Sprint(state, code, withoutLocal(firstLine(reason))); key != d.said {
		d.said = key
		d.cfg.Logger.Warn("not streaming", attrs...)
	}
}

// note logs what does not change the state, once.
func (d *daemon) note(message string, err error) {
	if key := message + withoutLocal(err.Error()); key != d.noted {
		d.noted = key
		d.cfg.Logger.Warn(message, keyError, err.Error()) //nolint:sloglint // each caller has a constant
	}
}

// troubleState is the state of a daemon that cannot go on at the moment.
func troubleState(err error) status.State {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code.Exit() == fault.ExitUnreachable {
		return status.Unreachable
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return status.Unreachable
	}
	return status.Starting
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// withoutLocal leaves our own side out of the connections that package net names, as in
// "read tcp 10.0.0.1:34640->10.0.0.2:9092: i/o timeout": its port is a new one in each session, and the same trouble
// would be said again each time.
func withoutLocal(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if _, remote, found := strings.Cut(word, "->"); found {
			words[i] = remote
		}
	}
	return strings.Join(words, " ")
}
