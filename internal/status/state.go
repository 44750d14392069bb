package status

import (
	"time"

	"github.com/outbox-relay/relay/internal/fault"
)

// State is what a relay is doing.
type State string

// The states.
const (
	Starting    State = "starting"    // a session passes the start-up order
	Standby     State = "standby"     // another relay has the slot
	Streaming   State = "streaming"   // the guard has passed
	Refused     State = "refused"     // a person must decide
	Halted      State = "halted"      // one event cannot be published
	Unreachable State = "unreachable" // Postgres or Kafka
	Stopping    State = "stopping"    // finishes what has begun
	Paused      State = "paused"      // keeps the slot and publishes nothing
)

// States lists all states.
func States() []State {
	return []State{Starting, Standby, Streaming, Refused, Halted, Unreachable, Stopping, Paused}
}

// stateNow is the present state and why.
type stateNow struct {
	state  State
	reason string
	code   fault.Code
	since  time.Time
}

// SetState says what the relay does from now on. reason is one line for people and code the error's, both empty where
// nothing is wrong. The time of the change is kept while only the reason changes.
func (t *Tracker) SetState(s State, reason string, code fault.Code) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.state != s {
		t.state.state, t.state.since = s, t.now()
	}
	t.state.reason, t.state.code = reason, code
}

// State is what the relay does now.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.effective().state
}
