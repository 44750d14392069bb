package chaos

import (
	"context"
	"syscall"
)

// hitsRelay and its like are what faults take away.
const (
	hitsRelay    = "relay"
	hitsKafka    = "kafka"
	hitsPostgres = "postgres"
)

func relayFaults() []*Fault {
	return []*Fault{
		{
			Name: "relay-kill", What: "kill -9 of the relay that works", Hits: hitsRelay,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return l.relaunch, l.working(ctx).Kill() },
		},
		{
			Name: "relay-kill-both", What: "kill -9 of both relays", Hits: hitsRelay,
			Strike: func(_ context.Context, l *life, _ int) (Mend, error) {
				for _, p := range l.relays {
					if err := p.Kill(); err != nil {
						return nil, err
					}
				}
				return l.relaunch, nil
			},
		},
		{
			Name: "relay-stop", What: "SIGTERM to the relay that works", Hits: hitsRelay,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return l.relaunch, l.working(ctx).Stop(ctx) },
		},
		{
			Name: "relay-freeze", What: "SIGSTOP of the relay that works", Hits: hitsRelay,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) {
				p := l.working(ctx)
				return func(context.Context) error { return p.Signal(syscall.SIGCONT) }, p.Signal(syscall.SIGSTOP)
			},
		},
	}
}
