package relay

import (
	"context"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Inspection is what a look from outside shows of a relay: nothing was fenced, owned or written.
type Inspection struct {
	Relay      string
	Checkpoint *publisher.Checkpoint // nil: none seen
	Offset     int64                 // of the checkpoint in its partition
	Barrier    *publisher.Barrier
	Slot       *guard.Slot    // nil: there is none, or Postgres did not answer
	WALEnd     outbox.LSN     // 0 when Postgres did not answer
	Refusal    *guard.Refusal // what a session that starts now would say; nil: it would run
	Postgres   error          // why Postgres could not be asked
}

// Inspect looks at checkpoint and slot. Kafka must answer; without Postgres the checkpoint is shown alone.
//
// Postgres is asked first: the slot never passes the checkpoint, so a checkpoint read later cannot seem to be behind.
func Inspect(ctx context.Context, cfg Config) (Inspection, error) {
	cfg = cfg.withDefaults()
	s, err := newSession(&cfg)
	if err != nil {
		return Inspection{}, err
	}
	defer s.close()
	in := Inspection{Relay: cfg.Kafka.Relay}
	if s.kafka, err = publisher.Connect(ctx, cfg.Kafka); err != nil {
		return in, unreachableKafka(&cfg, err)
	}
	in.Postgres = s.ask(ctx)
	look, err := s.kafka.Look(ctx)
	if err != nil {
		return in, checkpointTrouble(&cfg, err)
	}
	in.Checkpoint, in.Offset, in.Barrier = look.Checkpoint, look.CheckpointOffset, look.Barrier
	if in.Postgres != nil {
		return in, nil
	}
	s.facts.Barrier, s.facts.Checkpoint = look.Furthest, look.Checkpoint
	in.Slot, in.WALEnd = s.facts.Slot, s.facts.Server.FlushLSN
	if in.Refusal = guard.BeforeFence(&s.facts); in.Refusal == nil {
		in.Refusal = guard.AfterRead(&s.facts)
	}
	return in, nil
}
