package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/internal/status"
)

// Status is all there is to say of the configured relay, on one screen.
type Status struct {
	Relay string `json:"relay"`
	// State is the daemon's when it could be asked, else what the servers show: working, idle, refused or unknown.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Code   string `json:"code,omitempty"`
	// Daemon is the daemon's own document; null when it could not be asked, and NoDaemon says why.
	Daemon     *status.View `json:"daemon"`
	NoDaemon   string       `json:"no_daemon,omitempty"`
	Holder     *Holder      `json:"holder"` // who has the slot; null: nobody, or Postgres did not answer
	Checkpoint Checkpoint   `json:"checkpoint"`
	Lag        *Lag         `json:"lag"` // null when it cannot be told
	Kafka      *Kafka       `json:"kafka"`
	Outbox     *Outbox      `json:"outbox"` // null: no table, or it could not be read
	Parked     *Parked      `json:"parked"` // null: it could not be read
	Warnings   []string     `json:"warnings"`
}

// The states that are seen from outside.
const (
	StateWorking = "working" // somebody reads the slot
	StateIdle    = "idle"    // nobody does
	StateRefused = "refused"
	StateUnknown = "unknown"
)

// Holder is the connection that reads the slot.
type Holder struct {
	PID     uint32     `json:"pid"` // of the walsender, on the server
	Address string     `json:"address,omitempty"`
	Since   *time.Time `json:"since"`
}

// Kafka is the cluster.
type Kafka struct {
	ClusterID         string `json:"cluster_id"`
	Brokers           int    `json:"brokers"`
	CheckpointTopic   string `json:"checkpoint_topic"`
	ReplicationFactor int16  `json:"replication_factor"` // of the checkpoint topic; 0: it does not exist
	Epoch             *int16 `json:"producer_epoch"`     // of the newest session; null: none yet
	SessionBy         string `json:"session_by,omitempty"`
}

// Outbox is the outbox table.
type Outbox struct {
	Table  string     `json:"table"`
	Bytes  int64      `json:"bytes"`
	Oldest *time.Time `json:"oldest_row"` // null: it is empty, or its rows do not tell
}

// Parked counts the events in the parked topic.
type Parked struct {
	Events int        `json:"events"` // that cannot be published
	Held   int        `json:"held"`   // that wait behind one of those
	Oldest *time.Time `json:"oldest"` // null: there are none
}

// Status looks at everything. When a server does not answer it gives what the other one shows, and an error.
func (s *Session) Status(ctx context.Context) (Status, error) {
	in := s.viewer.Look(ctx)
	st := Status{Relay: s.cfg.Relay.Kafka.Relay, Checkpoint: describe(in), Warnings: []string{}}
	view, err := s.Daemon(ctx)
	if st.Daemon = view; err != nil {
		st.NoDaemon = err.Error()
	}
	st.setState()
	if in.Postgres == nil {
		s.postgresPart(ctx, &st, in)
	}
	if in.Kafka == nil {
		s.kafkaPart(ctx, &st, in)
	}
	if lag, err := s.lag(ctx, in, view); err == nil {
		st.Lag = &lag
	} else if in.Postgres == nil && in.Kafka == nil && in.Refusal == nil {
		st.warn("lag", err)
	}
	st.warnings()
	return st, errors.Join(in.Kafka, in.Postgres)
}

// setState takes the daemon's word for its state, and what the servers show otherwise.
func (st *Status) setState() {
	if v := st.Daemon; v != nil {
		st.State, st.Reason = string(v.State), v.Reason
		if v.Code != 0 {
			st.Code = v.Code.String()
		}
		return
	}
	st.Reason, st.Code = st.Checkpoint.Reason, st.Checkpoint.Code
	switch st.Checkpoint.Verdict {
	case OK:
		st.State = StateWorking
	case Idle:
		st.State = StateIdle
	case Refused:
		st.State = StateRefused
	default:
		st.State = StateUnknown
	}
}

func (st *Status) warn(what string, err error) {
	st.Warnings = append(st.Warnings, what+": "+err.Error())
}

func (s *Session) postgresPart(ctx context.Context, st *Status, in relay.Inspection) {
	conn, err := s.viewer.Postgres(ctx)
	if err != nil {
		return
	}
	if in.Slot != nil && in.Slot.ActivePID != 0 {
		st.Holder = &Holder{PID: in.Slot.ActivePID}
		// Another role's sessions show neither address nor time; that is no reason to say nothing.
		_ = conn.QueryRow(ctx, "SELECT coalesce(host(client_addr), ''), backend_start FROM pg_stat_activity WHERE pid = $1", in.Slot.ActivePID).
			Scan(&st.Holder.Address, &st.Holder.Since)
	}
	table := s.table()
	if table == nil {
		return
	}
	size, err := table.size(ctx, conn)
	switch {
	case sqlState(err) == codeInsufficientPrivilege:
		st.Warnings = append(st.Warnings, table.mayNotRead())
	case err != nil:
		st.warn("outbox", err)
	}
	if size.Bytes > 0 || err == nil {
		st.Outbox = &Outbox{Table: table.asked, Bytes: size.Bytes, Oldest: size.Oldest}
	}
}

func (s *Session) kafkaPart(ctx context.Context, st *Status, in relay.Inspection) {
	client, err := s.viewer.Kafka(ctx)
	if err != nil {
		return
	}
	k := &Kafka{ClusterID: client.ClusterID(), Brokers: client.Brokers(), CheckpointTopic: in.Place.Topic}
	topics, err := client.Topics(ctx, func(name string) bool { return name == in.Place.Topic })
	if err != nil {
		st.warn("kafka", err)
	}
	for _, t := range topics {
		k.ReplicationFactor = t.ReplicationFactor
	}
	if b := in.Barrier; b != nil {
		k.Epoch, k.SessionBy = &b.Epoch, b.Version+" on "+b.Host
	}
	st.Kafka = k
	if err := s.parkedStatus(ctx, st); err != nil {
		st.warn("parked events", err)
	}
}

func (s *Session) parkedStatus(ctx context.Context, st *Status) error {
	events, err := s.viewer.Parked(ctx)
	if err != nil {
		return err
	}
	st.Parked = &Parked{}
	for _, e := range events {
		if e.Held() {
			st.Parked.Held++
		} else {
			st.Parked.Events++
		}
		if at := e.Time.UTC(); st.Parked.Oldest == nil || at.Before(*st.Parked.Oldest) {
			st.Parked.Oldest = &at
		}
	}
	return nil
}

// warnings are what an operator should see without asking.
func (st *Status) warnings() {
	cp := st.Checkpoint
	if cp.Verdict == Refused && cp.Reason != st.Reason {
		st.Warnings = append(st.Warnings, fmt.Sprintf("a session that starts now would refuse: %s [%s]", cp.Reason, cp.Code))
	}
	if p := st.Parked; p != nil && p.Events > 0 {
		st.Warnings = append(st.Warnings, fmt.Sprintf("%d events are parked and %d wait behind them, since %s: relay parked list", p.Events, p.Held, p.Oldest.Format(time.RFC3339)))
	}
	if cp.Slot == nil {
		return
	}
	if safe := cp.Slot.SafeBytes; safe != nil && *safe >= 0 && uint64(*safe) < cp.Slot.RetainedBytes { // more than half
		st.Warnings = append(st.Warnings, fmt.Sprintf("the slot keeps %d bytes of WAL and is lost after %d more (max_slot_wal_keep_size)", cp.Slot.RetainedBytes, *safe))
	}
	if cp.Verdict == Idle && cp.Slot.RetainedBytes > 0 {
		st.Warnings = append(st.Warnings, "nobody reads the slot: WAL piles up on the server until a relay does")
	}
}
