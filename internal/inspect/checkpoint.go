package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Checkpoint is a checkpoint with what its slot says and what a session that starts now would make of both.
type Checkpoint struct {
	Relay string `json:"relay"`
	Shard int32  `json:"shard"` // from 0
	// Configured tells the relay of the configuration from the others in the cluster. Of those only identity, history and
	// slot are judged.
	Configured bool   `json:"configured"`
	Topic      string `json:"topic"`
	Offset     int64  `json:"offset"` // of the record in its partition
	// Record is the checkpoint, null when there is none.
	Record *publisher.Checkpoint `json:"checkpoint"`
	// Slot is null when it does not exist, or Postgres did not answer, or it is on another server.
	Slot    *Slot   `json:"slot"`
	Verdict Verdict `json:"verdict"`
	// Code and Reason say why a session would refuse, or why nobody knows.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Verdict says how things stand with a relay.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"      // a relay has the slot
	Idle    Verdict = "idle"    // nobody has it; a relay could go on
	Refused Verdict = "refused" // a person must decide
	Unknown Verdict = "unknown" // Postgres or Kafka did not answer, or its Postgres is another server
)

// Slot is what Postgres says of the slot.
type Slot struct {
	Name           string      `json:"name"`
	ConfirmedFlush *outbox.LSN `json:"confirmed_flush_lsn"`
	// BehindBytes is how far the slot is behind the checkpoint; negative when it is ahead, which refuses.
	BehindBytes *int64 `json:"behind_bytes"`
	ActivePID   uint32 `json:"active_pid"`
	WALStatus   string `json:"wal_status"`
	// RetainedBytes is the WAL that the server keeps for the slot.
	RetainedBytes uint64 `json:"retained_bytes"`
	// SafeBytes is how much WAL can be written before the slot is lost, null for no limit.
	SafeBytes *int64 `json:"safe_bytes"`
	Failover  bool   `json:"failover"`
}

// Checkpoints looks at the checkpoint of the configured relay and at those of all others in the cluster. It may give both
// checkpoints and the error of a server that did not answer.
func (s *Session) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	own := s.viewer.Look(ctx)
	others, err := s.viewer.Others(ctx, s.cfg.CheckpointPrefix)
	if own.Kafka != nil {
		return nil, own.Kafka
	}
	all := []Checkpoint{describe(own)}
	for _, in := range others {
		all = append(all, describe(in))
	}
	return all, errors.Join(own.Postgres, err)
}

// Checkpoint looks at the checkpoint of the configured relay alone.
func (s *Session) Checkpoint(ctx context.Context) (Checkpoint, error) {
	own := s.viewer.Look(ctx)
	if own.Kafka != nil {
		return Checkpoint{}, own.Kafka
	}
	return describe(own), own.Postgres
}

// describe turns what was seen into what is shown.
func describe(in relay.Inspection) Checkpoint {
	c := Checkpoint{
		Relay: in.Place.Relay, Shard: in.Place.Shard, Configured: in.Configured, Topic: in.Place.Topic, Offset: in.Offset,
		Record: in.Checkpoint, Slot: describeSlot(in), Verdict: Idle,
	}
	if c.Slot != nil && c.Slot.ActivePID != 0 {
		c.Verdict = OK
	}
	var trouble error
	switch {
	case in.Refusal != nil:
		c.Verdict, trouble = Refused, in.Refusal
	case in.Kafka != nil || in.Postgres != nil:
		c.Verdict, trouble = Unknown, errors.Join(in.Kafka, in.Postgres)
	case in.Elsewhere:
		c.Verdict, c.Reason = Unknown, fmt.Sprintf("its Postgres is another server (system %s): look with its own configuration", in.Checkpoint.SystemID)
	case in.Checkpoint == nil:
		c.Verdict, c.Reason = Unknown, "the topic holds no checkpoint"
	}
	if trouble != nil {
		c.Reason = oneLine(trouble.Error())
		if f, ok := errors.AsType[*fault.Error](trouble); ok {
			c.Code = f.Code.String()
		}
	}
	return c
}

// oneLine joins the lines that several errors, or one of pgx, make.
func oneLine(text string) string {
	return strings.NewReplacer("\n\t", " ", "\n", "; ").Replace(text)
}

func describeSlot(in relay.Inspection) *Slot {
	if in.Slot == nil {
		return nil
	}
	s := &Slot{
		Name: in.SlotName, ConfirmedFlush: in.Slot.ConfirmedFlush, ActivePID: in.Slot.ActivePID, WALStatus: in.Slot.WALStatus,
		SafeBytes: in.WAL.SafeBytes, Failover: in.WAL.Failover,
	}
	if in.WAL.RestartLSN != 0 && in.WALEnd > in.WAL.RestartLSN {
		s.RetainedBytes = uint64(in.WALEnd - in.WAL.RestartLSN)
	}
	if s.ConfirmedFlush != nil && in.Checkpoint != nil {
		behind := int64(in.Checkpoint.ResumeLSN) - int64(*s.ConfirmedFlush)
		s.BehindBytes = &behind
	}
	return s
}
