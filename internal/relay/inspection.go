package relay

import (
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// Inspection is what a look from outside shows of a relay.
type Inspection struct {
	Place      publisher.Place
	Configured bool                  // the relay of the configuration, of which everything can be judged
	Checkpoint *publisher.Checkpoint // nil: none seen
	Offset     int64                 // of the checkpoint in its partition
	Barrier    *publisher.Barrier
	SlotName   string         // as configured, or as the checkpoint says; empty when nobody knows
	Slot       *guard.Slot    // nil: there is none, or Postgres did not answer
	WAL        WAL            // of the slot
	WALEnd     outbox.LSN     // 0 when Postgres did not answer
	Version    int            // of Postgres, as 170011; 0 when it did not answer
	Elsewhere  bool           // the relay's Postgres is another server than ours
	Refusal    *guard.Refusal // what a session that starts now would say; nil: it would run
	Postgres   error          // why Postgres could not be asked
	Kafka      error          // why Kafka could not be asked
}

// WAL is what a slot keeps of it.
type WAL struct {
	RestartLSN       outbox.LSN
	SafeBytes        *int64 // that may be written before the slot is lost; nil: no limit
	Failover, Synced bool   // Postgres 17 and newer
}

func (in *Inspection) setLook(cfg *Config, look publisher.Look) {
	in.Checkpoint, in.Offset, in.Barrier = look.Checkpoint, look.CheckpointOffset, look.Barrier
	if look.Checkpoint == nil && look.LogStart > 0 {
		err := fmt.Errorf("%w: %s partition %d begins at offset %d and holds no checkpoint", publisher.ErrLogTruncated, in.Place.Topic, in.Place.Partition(), look.LogStart)
		_ = in.lookFailed(cfg, err)
	}
}

// lookFailed keeps what makes a session refuse as a refusal; any other error is returned.
func (in *Inspection) lookFailed(cfg *Config, err error) error {
	at := *cfg
	at.Kafka.CheckpointTopic = in.Place.Topic
	err = checkpointTrouble(&at, err)
	if refusal, ok := errors.AsType[*guard.Refusal](err); ok {
		in.Refusal = refusal
		return nil
	}
	return err
}

func (in *Inspection) setSlot(facts *guard.Slot, row *replication.Slot) {
	in.Slot = facts
	if row == nil {
		return
	}
	in.WAL = WAL{RestartLSN: outbox.LSN(row.RestartLSN), Failover: row.Failover, Synced: row.Synced}
	if row.SafeWALSizeValid {
		in.WAL.SafeBytes = &row.SafeWALSize
	}
}
