package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

const quietOrdersPerSecond = 5

// linger keeps everything running, with a quiet shop, until ctx ends. Whoever kills the relay sees it come back.
func linger(ctx context.Context, s *stage, r *relay, day *shop, say *narrator) error {
	say.step("stay", "everything runs until ^C; the shop goes on with %d orders a second", quietOrdersPerSecond)
	say.show(whatToLookAt(s, r))
	closed := make(chan error, 1)
	go func() { closed <- day.open(ctx, quietOrdersPerSecond) }()
	for {
		select {
		case err := <-closed:
			return err
		case <-r.ended:
		}
		say.step("relay", "pid %d is gone", r.pid())
		if _, err := recoverFrom(ctx, time.Now(), r, day.ledger, say); err != nil {
			return errors.Join(err, <-closed)
		}
		say.show(whatToLookAt(s, r))
	}
}

// whatToLookAt are commands to type. The relay listens on another port each time it starts.
func whatToLookAt(s *stage, r *relay) string {
	return fmt.Sprintf(`%[1]s checkpoint list -c %[2]s
http://%[3]s/     the status page; also /status, /metrics, /readyz, /livez
tail -f %[4]s
psql '%[5]s'
kill -9 %[6]d`,
		s.program(), s.config(), r.said("relay started").Listen, s.log(), s.postgres.URL(devstack.Superuser, database), r.pid())
}
