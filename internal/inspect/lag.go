package inspect

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Lag is how far a relay is behind.
type Lag struct {
	Relay string `json:"relay"`
	// Bytes is the WAL between the checkpoint and the end; it holds what others write to the server too.
	Bytes     uint64     `json:"bytes"`
	ResumeLSN outbox.LSN `json:"resume_lsn"`
	WALEnd    outbox.LSN `json:"wal_end_lsn"`
	// Seconds since the oldest event that is not decided was written; 0 when none waits.
	Seconds float64 `json:"seconds"`
	// AtMost tells that nobody could be asked and Seconds is only an upper bound.
	AtMost bool `json:"at_most"`
	// Events that wait, null when that is not known.
	Events *int64 `json:"events"`
	// Basis says where Seconds comes from.
	Basis Basis `json:"basis"`
	// Note says what was missing for a better answer.
	Note string `json:"note,omitempty"`
}

// Basis is where a lag in seconds comes from.
type Basis string

// The bases, best first.
const (
	BasisWAL        Basis = "wal"        // the checkpoint has reached the end: nothing waits
	BasisTable      Basis = "table"      // rows of the outbox table
	BasisDaemon     Basis = "daemon"     // what the daemon says of itself
	BasisCheckpoint Basis = "checkpoint" // time since the last event that was decided: an upper bound
)

// Lag measures how far behind the configured relay is.
func (s *Session) Lag(ctx context.Context) (Lag, error) {
	return s.lag(ctx, s.viewer.Look(ctx), nil)
}

// lag judges what was seen. The daemon is asked only when nothing better answers; view may bring its answer along.
func (s *Session) lag(ctx context.Context, in relay.Inspection, view *status.View) (Lag, error) {
	if err := cmp.Or(in.Kafka, in.Postgres); err != nil {
		return Lag{}, errors.Join(in.Kafka, in.Postgres)
	}
	if in.Checkpoint == nil || in.Checkpoint.Phase != publisher.PhaseStream {
		return Lag{}, noCheckpoint(in)
	}
	waiting, note, err := s.waiting(ctx, in.Checkpoint)
	if err != nil {
		return Lag{}, err
	}
	if waiting == nil && view == nil {
		view, _ = s.Daemon(ctx) // without it there is still an upper bound
	}
	return judgeLag(in.Checkpoint, in.WALEnd, waiting, view, note, s.cfg.now()), nil
}

// noCheckpoint is why there is no lag.
func noCheckpoint(in relay.Inspection) error {
	if in.Refusal != nil {
		return in.Refusal
	}
	return &fault.Error{Code: fault.NotInitialised, Summary: "relay " + in.Place.Relay + " has no checkpoint", Hint: "Run `relay init`."}
}

// waiting asks the outbox table. nil with a note: it cannot tell.
func (s *Session) waiting(ctx context.Context, cp *publisher.Checkpoint) (*Waiting, string, error) {
	table := s.table()
	switch {
	case s.cfg.Relay.Outbox.WALMessages != "":
		return nil, "events that are WAL messages stand in no table", nil
	case table == nil:
		return nil, "there is no outbox table", nil
	case !table.createdAt():
		return nil, "the outbox table has no column created_at (timestamptz)", nil
	}
	conn, err := s.viewer.Postgres(ctx)
	if err != nil {
		return nil, "", err
	}
	waiting, err := table.waitingSince(ctx, conn, decidedAt(cp))
	if sqlState(err) == codeInsufficientPrivilege {
		return nil, table.mayNotRead(), nil
	}
	if err != nil {
		return nil, "", s.viewer.PostgresTrouble(err)
	}
	return &waiting, "", nil
}

// decidedAt is when the last transaction with rows committed that is decided; before the first, when the relay began.
func decidedAt(cp *publisher.Checkpoint) time.Time {
	if cp.Witness != nil {
		return time.UnixMicro(cp.Witness.CommitTime)
	}
	return time.UnixMilli(cp.Generation)
}

// judgeLag chooses the best of what is known.
func judgeLag(cp *publisher.Checkpoint, walEnd outbox.LSN, waiting *Waiting, view *status.View, note string, now time.Time) Lag {
	lag := Lag{Relay: cp.Relay, ResumeLSN: cp.ResumeLSN, WALEnd: walEnd}
	if walEnd > cp.ResumeLSN {
		lag.Bytes = uint64(walEnd - cp.ResumeLSN)
	}
	none := int64(0)
	switch {
	case lag.Bytes == 0 && cp.Partial == nil:
		lag.Basis, lag.Events = BasisWAL, &none
	case waiting != nil:
		lag.Basis, lag.Events, lag.Seconds = BasisTable, &waiting.Events, waiting.Oldest.Seconds()
	case view != nil && view.State == status.Streaming:
		lag.Basis, lag.Events, lag.Seconds, lag.Note = BasisDaemon, &view.Lag.PendingEvents, view.Lag.Seconds, note
	default:
		lag.Basis, lag.AtMost, lag.Note = BasisCheckpoint, true, note
		lag.Seconds = max(0, now.Sub(decidedAt(cp)).Seconds())
	}
	return lag
}
