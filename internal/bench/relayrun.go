package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/outbox-relay/relay/outbox"
)

// relayRun is one measurement of the relay: the relay begins at a new place, with a new slot and a new topic.
type relayRun struct {
	kafka  *cluster
	topic  string
	config string // path of the relay's configuration file
	daemon *daemon
}

// newRun makes slot (with makeSlot, which gives its place), topic and configuration, and the relay's checkpoint at that
// place.
func (b *bench) newRun(ctx context.Context, k *cluster, partitions int, makeSlot func(context.Context) (outbox.LSN, error)) (*relayRun, error) {
	b.runs++
	r := &relayRun{kafka: k, topic: b.names.events(b.runs), config: filepath.Join(b.dir, fmt.Sprintf("relay-%d.yaml", b.runs))}
	if err := os.WriteFile(r.config, []byte(relayConfig(b.Config, b.names, k.brokers, r.topic)), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := k.create(ctx, r.topic, partitions); err != nil {
		return nil, err
	}
	from, err := makeSlot(ctx)
	if err != nil {
		return nil, err
	}
	// The checkpoint may be of a run before: nothing is lost or repeated, for every run has a topic of its own.
	return r, b.command(ctx, "adopt", "--config", r.config, "--from", from.String(), "--accept-loss", "--accept-duplicates").run(ctx)
}

// end removes slot and topic: what is measured next finds the servers as this run did.
func (b *bench) end(ctx context.Context, r *relayRun) error {
	if err := b.db.dropSlot(ctx, b.names.slot()); err != nil {
		return err
	}
	return r.kafka.delete(r.topic)
}
