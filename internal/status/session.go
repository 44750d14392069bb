package status

import "time"

// recentSessions is how many ended sessions are remembered.
const recentSessions = 10

// sessions count how sessions began and ended.
type sessions struct {
	started   uint64
	ends      map[string]uint64 // by reason
	current   time.Time         // start of the running one; zero: none
	recovered time.Duration     // how long its start-up took; 0: not yet through
	recent    []Session         // newest last
}

// Session is one ended session.
type Session struct {
	Started  time.Time     `json:"started"`
	Ended    time.Time     `json:"ended"`
	Recovery time.Duration `json:"-"` // 0: it never streamed
	Reason   string        `json:"reason"`
}

// SessionStarted notes the beginning of a session.
func (t *Tracker) SessionStarted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions.started++
	t.sessions.current, t.sessions.recovered = t.now(), 0
}

// Recovered notes that the session passed the guard, and how long that took since it started.
func (t *Tracker) Recovered(d time.Duration) {
	t.histograms.recovery.Observe(d.Seconds())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions.recovered = d
}

// SessionEnded notes why a session ended. reason is one of a few fixed words, as kafka_doubt: it becomes a label.
func (t *Tracker) SessionEnded(reason string) {
	t.pendingEvents.Store(0)
	t.pendingBytes.Store(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.sessions
	s.ends[reason]++
	s.recent = append(s.recent, Session{Started: s.current, Ended: t.now(), Recovery: s.recovered, Reason: reason})
	if len(s.recent) > recentSessions {
		s.recent = s.recent[1:]
	}
	s.current = time.Time{}
}
