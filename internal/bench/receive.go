package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// Receive only receives: everything that commits before until is decoded and thrown away, nothing is acknowledged. It
// writes what that took to a file.
func Receive(ctx context.Context, config replication.Config, until outbox.LSN, path string) error {
	conn, err := replication.Connect(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.Start(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	r, err := receive(stream, replication.LSN(until))
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return r.write(path)
}

func receive(stream *replication.Stream, until replication.LSN) (r report, err error) {
	var m meter
	for {
		msg, err := stream.Next()
		if err != nil {
			return r, err
		}
		at := replication.LSN(0)
		switch msg.Kind {
		case replication.Insert:
			if r.Events++; r.Events == 1 {
				m.start()
			}
		case replication.Commit:
			r.Last = time.Now()
			at = msg.EndLSN
		case replication.Keepalive:
			at = msg.WALEnd
		}
		if at >= until {
			m.stop(&r)
			return r, nil
		}
	}
}
