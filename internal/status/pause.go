package status

import "time"

// pause is somebody's wish that nothing be published.
type pause struct {
	by    string // empty: none
	since time.Time
}

// Paused notes that nothing is published until Resumed. by says who asked for it. A relay that would stream is in state
// Paused meanwhile; any other state stays what it is, for it says why a resume would not help.
func (t *Tracker) Paused(by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pause = pause{by: by, since: t.now()}
}

// Resumed ends a pause. What has waited meanwhile is not held against the relay: it waits from now on.
func (t *Tracker) Resumed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pause.by != "" {
		t.resumed = t.now()
	}
	t.pause = pause{}
}

// effective is the state with a pause laid over it. It wants the lock.
func (t *Tracker) effective() stateNow {
	if t.pause.by == "" || t.state.state != Streaming {
		return t.state
	}
	paused := stateNow{state: Paused, reason: "paused by " + t.pause.by, since: t.pause.since}
	if t.state.since.After(paused.since) {
		paused.since = t.state.since
	}
	return paused
}
