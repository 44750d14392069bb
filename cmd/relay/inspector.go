package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/outbox"
)

// inspector answers what commands that only look ask for. It fences nobody and takes nothing.
type inspector interface {
	// Checkpoints looks at all relays of the cluster. When Postgres does not answer it gives both checkpoints and an error.
	Checkpoints(ctx context.Context) ([]inspect.Checkpoint, error)
	// History reads the newest records of a relay's checkpoint topic.
	History(ctx context.Context, name string, limit int) (inspect.History, error)
	// Status is one screen. When a server does not answer it gives both a status and an error.
	Status(ctx context.Context) (inspect.Status, error)
	// Lag is how far behind the relay is.
	Lag(ctx context.Context) (inspect.Lag, error)
	eventReader
	Close()
}

// eventReader reads event topics.
type eventReader interface {
	// Tail gives the last events, and with Follow those that come, until ctx ends.
	Tail(ctx context.Context, o inspect.TailOptions, show func([]inspect.Event) error) error
	// Event is the committed event at a place.
	Event(ctx context.Context, topic string, partition int32, offset int64) (inspect.Event, error)
	// Trace looks for an event in table, checkpoint and Kafka.
	Trace(ctx context.Context, id string, o inspect.TraceOptions) (inspect.Trace, error)
}

// lsnText prints what may not be known.
func lsnText(l *outbox.LSN) string {
	if l == nil {
		return none
	}
	return l.String()
}

// looking runs f with connections that only look, and a time limit.
func (a *app) looking(ctx context.Context, limit time.Duration, f func(context.Context, inspector) error) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	return a.lookWith(ctx, a.commandSetup(l.Config), limit, f)
}

func (a *app) lookWith(ctx context.Context, s setup, limit time.Duration, f func(context.Context, inspector) error) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
		defer cancel()
	}
	i, err := a.engine.Inspect(s)
	if err != nil {
		return err
	}
	defer i.Close()
	return f(ctx, i)
}

// show looks once, or again and again with --watch, and prints what it saw.
func (a *app) show(ctx context.Context, w watchFlag, look func(context.Context, inspector, io.Writer) error) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	s := a.commandSetup(l.Config)
	return a.watch(ctx, w, func(ctx context.Context, out io.Writer) error {
		return a.lookWith(ctx, s, commandTimeout, func(ctx context.Context, i inspector) error { return look(ctx, i, out) })
	})
}
