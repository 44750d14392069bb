package status

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
)

const (
	// stuckAfter is how long events may wait without any checkpoint before a relay is not ready.
	stuckAfter = 30 * time.Second
	// partnerWithin is how fresh the proof must be that another relay has the slot.
	partnerWithin = 5 * time.Second
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready  bool       `json:"ready"`
	State  State      `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Since  time.Time  `json:"since"`
	Code   fault.Code `json:"code,omitempty"`
	// About is what the reason is about, one thing a line: event, position, topic, key; or the facts of a refusal.
	About []string `json:"about,omitempty"`
	Hint  string   `json:"hint,omitempty"` // what to do
}

// Ready tells whether the relay does its work: it streams and moves, or it stands by for one that has the slot.
//
// Waiting events and an old checkpoint alone say nothing: after an idle night the first event finds the checkpoint hours
// old. So what counts is 30 s since the later of two: the checkpoint moved, events began to wait.
func (t *Tracker) Ready() Readiness { return t.snapshot().readiness() }

// Health is the readiness, and for how long events have been waiting without any checkpoint while the relay streams.
func (t *Tracker) Health() (r Readiness, stuck time.Duration) {
	s := t.snapshot()
	if s.state.state == Streaming {
		stuck = s.stuckFor()
	}
	return s.readiness(), stuck
}

func (s *snapshot) readiness() Readiness {
	r := Readiness{State: s.state.state, Reason: s.state.reason, Since: s.state.since, Code: s.state.code, About: s.state.about, Hint: s.state.hint}
	switch s.state.state {
	case Streaming:
		switch stuck := s.stuckFor(); {
		case stuck >= stuckAfter:
			r.Reason = fmt.Sprintf("%d events wait and the checkpoint has not moved for %s", s.pendingEvents, stuck.Round(time.Second))
		case s.readyMaxLag > 0 && s.lag() > s.readyMaxLag:
			r.Reason = fmt.Sprintf("%s behind, more than server.ready_max_lag (%s)", s.lag().Round(time.Millisecond), s.readyMaxLag)
		default:
			r.Ready = true
		}
	case Standby:
		r.Ready = !s.elsewhere.IsZero() && s.now.Sub(s.elsewhere) <= partnerWithin
		if !r.Ready {
			r.Reason = "no other relay was seen to hold the slot within 5s"
		}
	}
	return r
}

// stuckFor is how long events have been waiting without any checkpoint.
func (s *snapshot) stuckFor() time.Duration {
	if s.pendingEvents <= 0 {
		return 0
	}
	from := s.pendingSince
	for _, later := range []time.Time{s.progress, s.resumed} {
		if later.After(from) {
			from = later
		}
	}
	return s.now.Sub(from)
}

// lag is how long ago the oldest waiting event was committed in Postgres, at most: the commit time of what was
// published last is a lower bound for what comes after it. Clocks of two machines are compared.
func (s *snapshot) lag() time.Duration {
	if s.pendingEvents <= 0 {
		return 0
	}
	oldest := s.haltedCommit // everything before it is published
	if oldest == 0 {
		oldest = max(s.pendingCommit, s.commitTime)
	}
	if oldest == 0 {
		return 0
	}
	return max(0, s.now.Sub(time.UnixMicro(oldest)))
}

// lagBytes is how much WAL lies between the checkpoint and the server's end of it, as far as it was told.
func (s *snapshot) lagBytes() uint64 {
	end := max(s.slot.WALEnd, s.received)
	if s.checkpoint.ResumeLSN == 0 || end < s.checkpoint.ResumeLSN {
		return 0
	}
	return uint64(end - s.checkpoint.ResumeLSN)
}
