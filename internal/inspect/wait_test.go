package inspect

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// TestWaitNamesTheServerThatIsSilent: one that accepts connections and says nothing is out of reach as well, however
// short the wait was.
func TestWaitNamesTheServerThatIsSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	cfg := Config{Relay: relay.Config{
		Source: replication.Config{ConnString: "postgres://relay:hunter2@" + silent.Addr().String() + "/shop", Slot: "s", Publication: "p"},
		Kafka:  publisher.Config{Relay: "payments", CheckpointTopic: "c", Brokers: []string{silent.Addr().String()}},
		Outbox: outbox.Defaults(),
	}}
	for goal, server := range map[Goal]string{{CaughtUp: true}: "Postgres", {Event: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01"}: "Kafka"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := Wait(ctx, cfg, goal, func(string) {})
		cancel()
		if fault.Exit(err) != fault.ExitUnreachable || !strings.Contains(err.Error(), "cannot reach "+server) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", goal, err)
		}
	}
}
