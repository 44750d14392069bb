package status

import (
	"os"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// View is the document of /status. Within v1 it never loses a field.
type View struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Relay      string `json:"relay"`
	Version    string `json:"version"`
	Host       string `json:"host"`
	PID        int    `json:"pid"`

	Started time.Time `json:"started"`
	Readiness
	// Paused is null unless somebody has paused the relay, whatever its state.
	Paused     *PauseView        `json:"paused"`
	Checkpoint CheckpointView    `json:"checkpoint"`
	Received   outbox.LSN        `json:"received_lsn"`
	Flushed    outbox.LSN        `json:"acknowledged_lsn"`
	Lag        LagView           `json:"lag"`
	Slot       SlotView          `json:"slot"`
	Published  PublishedView     `json:"published"`
	Skipped    uint64            `json:"rows_skipped"`
	Ignored    map[string]uint64 `json:"ignored"`
	Epoch      int64             `json:"producer_epoch"`
	Memory     MemoryView        `json:"memory"`
	Sessions   SessionsView      `json:"sessions"`
	Recent     RecentView        `json:"recent"`
	Topics     []TopicView       `json:"topics"` // written to by this process
	Outbox     OutboxView        `json:"outbox"`
}

// PauseView says who has paused the relay.
type PauseView struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// CheckpointView is the checkpoint.
type CheckpointView struct {
	ResumeLSN    outbox.LSN `json:"resume_lsn"`
	Timeline     uint32     `json:"timeline"`
	Seq          uint64     `json:"seq"`
	EventsTotal  uint64     `json:"events_total"`
	Written      *time.Time `json:"written"`
	LastProgress *time.Time `json:"last_progress"` // of this process
	Parked       uint64     `json:"parked"`        // events in the parked topic, held ones included
	HeldKeys     uint64     `json:"held_keys"`
}

// LagView is how far behind the relay is.
type LagView struct {
	Seconds       float64 `json:"seconds"`
	Bytes         uint64  `json:"bytes"`
	PendingEvents int64   `json:"pending_events"`
}

// SlotView is what the server said of the slot, and when.
type SlotView struct {
	Flush     outbox.LSN `json:"flush_lsn"`
	WALEnd    outbox.LSN `json:"wal_end_lsn"` // of the server
	Retained  uint64     `json:"retained_bytes"`
	SafeBytes int64      `json:"safe_bytes"` // -1: no limit
	WALStatus string     `json:"wal_status"`
	Seen      *time.Time `json:"seen"`
}

// PublishedView counts since the process started.
type PublishedView struct {
	Events               uint64 `json:"events"`
	Bytes                uint64 `json:"bytes"`
	KafkaTransactions    uint64 `json:"kafka_transactions"`
	PostgresTransactions uint64 `json:"postgres_transactions"`
}

// MemoryView is the memory of pending events.
type MemoryView struct {
	Used   int64 `json:"used_bytes"` // pending events
	Budget int64 `json:"budget_bytes"`
}

// SessionsView tells of the sessions of this process.
type SessionsView struct {
	Started uint64            `json:"started"`
	Ended   map[string]uint64 `json:"ended"`
	Current *time.Time        `json:"current_since"`
	Recent  []SessionView     `json:"recent"` // the last ten, newest last
}

// SessionView is one ended session.
type SessionView struct {
	Session
	RecoverySeconds *float64 `json:"recovery_seconds"` // null: it never streamed
}

// View is what the relay knows of itself now.
func (t *Tracker) View() View {
	s := t.snapshot()
	return View{
		APIVersion: "relay/v1", Kind: "Status",
		Relay: s.relay, Version: s.version, Host: s.host, PID: os.Getpid(), Started: s.started.UTC(),
		Readiness:  s.readiness().utc(),
		Paused:     s.pauseView(),
		Checkpoint: s.checkpointView(),
		Received:   s.received,
		Flushed:    s.acknowledged,
		Lag:        LagView{Seconds: s.lag().Seconds(), Bytes: s.lagBytes(), PendingEvents: s.pendingEvents},
		Slot: SlotView{
			Flush: s.slot.Flush, WALEnd: s.slot.WALEnd, Retained: s.slot.retained(), SafeBytes: s.slot.SafeBytes,
			WALStatus: s.slot.WALStatus, Seen: known(s.slotAt),
		},
		Published: PublishedView{
			Events: s.totals.events, Bytes: s.totals.bytes,
			KafkaTransactions: s.totals.kafka, PostgresTransactions: s.totals.postgres,
		},
		Skipped:  s.skipped,
		Ignored:  s.ignored,
		Epoch:    s.epoch,
		Memory:   MemoryView{Used: s.pendingBytes, Budget: s.memoryBudget},
		Sessions: s.sessionsView(),
		Recent:   s.recent,
		Topics:   s.topics,
		Outbox:   s.outbox,
	}
}

func (s *snapshot) pauseView() *PauseView {
	if s.pause.by == "" {
		return nil
	}
	return &PauseView{By: s.pause.by, Since: s.pause.since.UTC()}
}

func (s *snapshot) checkpointView() CheckpointView {
	return CheckpointView{
		ResumeLSN: s.checkpoint.ResumeLSN, Timeline: s.checkpoint.Timeline, Seq: s.checkpoint.Seq,
		EventsTotal: s.checkpoint.EventsTotal, Written: known(s.checkpointAt), LastProgress: known(s.progress),
		Parked: s.checkpoint.Parked, HeldKeys: s.checkpoint.HeldKeys,
	}
}

func (s *snapshot) sessionsView() SessionsView {
	v := SessionsView{Started: s.sessions.started, Ended: s.sessions.ends, Current: known(s.sessions.current), Recent: []SessionView{}}
	for _, session := range s.sessions.recent {
		session.Started, session.Ended = session.Started.UTC(), session.Ended.UTC()
		view := SessionView{Session: session}
		if session.Recovery > 0 {
			recovery := session.Recovery.Seconds()
			view.RecoverySeconds = &recovery
		}
		v.Recent = append(v.Recent, view)
	}
	return v
}

func (r Readiness) utc() Readiness {
	r.Since = r.Since.UTC()
	return r
}

// known is nil for a time that has not come.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
