package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
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

// whatToLookAt are pages to open and commands to type. The relay listens on another port each time it starts.
func whatToLookAt(s *stage, r *relay) string {
	dir, listen := filepath.Dir(s.config()), r.said("relay started").Listen
	return fmt.Sprintf(`http://%[1]s/     the status page; also /status, /metrics, /readyz, /livez
cd %[2]s; PATH=$PWD:$PATH; SHOP='%[3]s' DB='%[7]s'
%[4]s
tail -f relay.log
psql '%[5]s'
kill -9 %[6]d`,
		listen, dir, s.postgres.URL(appRole, database), strings.Join(toType(listen), "\n"),
		s.postgres.URL(devstack.Superuser, database), r.pid(), s.postgres.URL(relayRole, database))
}
