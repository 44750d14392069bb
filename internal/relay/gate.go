package relay

import "context"

// gate is what a Kafka transaction passes. Its one token is with whoever publishes, or with a pause: so a pause begins
// when no transaction is under way, and none begins while it lasts.
type gate struct{ token chan struct{} }

func newGate() *gate {
	g := &gate{token: make(chan struct{}, 1)}
	g.open()
	return g
}

// enter waits until publishing is allowed, or gives the cause for which ctx ended. Each enter needs a leave.
func (g *gate) enter(ctx context.Context) error {
	select {
	case <-g.token:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *gate) leave() { g.open() }

// close waits until nothing is being published, and lets nothing be published until open.
func (g *gate) close(ctx context.Context) error { return g.enter(ctx) }

func (g *gate) open() { g.token <- struct{}{} }
