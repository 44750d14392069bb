package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/outbox-relay/relay/internal/fault"
)

// errReload ends a session so that the next one begins with another configuration: what has begun is finished.
var errReload = errors.New("the configuration was loaded again")

// Control lets others speak to a relay that runs: an operator through the admin socket, a signal. It belongs to one call
// of Run, binds that process alone and is forgotten with it. Its methods may be called from any goroutine.
type Control struct {
	gate  *gate
	turn  chan struct{} // capacity 1: held while pause or resume works
	began chan struct{} // closed by Run

	mu      sync.Mutex // guards the rest
	current *Config
	next    *Config                 // for the next session; nil: the current one
	cancel  context.CancelCauseFunc // ends the session that runs, and the wait after it
	paused  bool
}

// NewControl makes the Control of a relay that is about to run.
func NewControl() *Control {
	return &Control{gate: newGate(), turn: make(chan struct{}, 1), began: make(chan struct{})}
}

// Pause lets the Kafka transaction that has begun finish and publishes nothing from then on, in this session and those
// after it. The slot is kept and Postgres is kept informed, so no standby takes over and WAL piles up. by says who asked.
// If ctx ends first nothing is paused.
func (c *Control) Pause(ctx context.Context, by string) error {
	return c.inTurn(ctx, func() error {
		if c.isPaused() {
			return nil
		}
		c.setPaused(true, by)
		if err := c.gate.close(ctx); err != nil {
			c.setPaused(false, "")
			return fmt.Errorf("wait for the Kafka transaction that has begun: %w", err)
		}
		return nil
	})
}

// Resume ends a pause.
func (c *Control) Resume(ctx context.Context) error {
	return c.inTurn(ctx, func() error {
		if c.isPaused() {
			c.setPaused(false, "")
			c.gate.open()
		}
		return nil
	})
}

// inTurn keeps pauses and resumes from crossing each other.
func (c *Control) inTurn(ctx context.Context, do func() error) error {
	select {
	case <-c.began:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
		return do()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Control) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

func (c *Control) setPaused(paused bool, by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = paused
	if paused {
		c.current.Status.Paused(by)
		c.current.Logger.Warn("paused", "by", by)
		return
	}
	c.current.Status.Resumed()
	c.current.Logger.Info("resumed")
}

// Reload checks a configuration and makes the relay go on with it: the Kafka transaction that has begun is finished, then
// a new session begins at the top. Name, slot and checkpoint topic are the relay's identity and cannot change; what cfg
// says of Status, Protocol, Logger and Trace is ignored. An error leaves everything as it was.
func (c *Control) Reload(ctx context.Context, cfg Config) error {
	select {
	case <-c.began:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := sameRelay(c.current, &cfg); err != nil {
		return err
	}
	cfg.Status, cfg.Protocol, cfg.Logger, cfg.Trace = c.current.Status, c.current.Protocol, c.current.Logger, c.current.Trace
	cfg = cfg.withDefaults()
	if _, err := newSession(&cfg); err != nil {
		return err
	}
	c.next = &cfg
	c.current.Logger.Info("configuration loaded again", "effect", "a new session begins")
	if c.cancel != nil {
		c.cancel(errReload)
	}
	return nil
}

// sameRelay refuses a configuration of another relay.
func sameRelay(is, wanted *Config) error {
	for _, key := range []struct{ name, is, wanted string }{
		{"name", is.Kafka.Relay, wanted.Kafka.Relay},
		{"source.slot", is.Source.Slot, wanted.Source.Slot},
		{"kafka.checkpoint_topic (with the relay's name)", is.Kafka.CheckpointTopic, wanted.Kafka.CheckpointTopic},
	} {
		if key.is != key.wanted {
			return &fault.Error{
				Code: fault.Config, Summary: fmt.Sprintf("%s cannot change from %q to %q while the relay runs", key.name, key.is, key.wanted),
				Hint: "It is part of the relay's identity: nothing has been changed. Take the old value back; another relay is another process, begun with `relay init`.",
			}
		}
	}
	return nil
}

// begin is called by Run once, with its configuration.
func (c *Control) begin(cfg *Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = cfg
	close(c.began)
}

// round gives what one session and the wait after it run with. changed says that the configuration is another than in the
// round before. A reload ends the context with errReload.
func (c *Control) round(parent context.Context) (ctx context.Context, end func(), cfg *Config, changed bool) {
	ctx, cancel := context.WithCancelCause(parent)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel = cancel
	if changed = c.next != nil; changed {
		c.current, c.next = c.next, nil
	}
	return ctx, func() { cancel(nil) }, c.current, changed
}
