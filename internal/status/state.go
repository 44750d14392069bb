package status

import (
	"strings"
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
	about  []string
	hint   string
	since  time.Time
}

// SetState says what the relay does from now on. reason is one line for people and code the error's, both empty where
// nothing is wrong. The time of the change is kept while only the reason changes.
func (t *Tracker) SetState(s State, reason string, code fault.Code) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setState(s)
	t.state.reason, t.state.code, t.state.about, t.state.hint = reason, code, nil, ""
}

// SetFault is SetState for an error that knows more than its line: what it is about, and what to do.
func (t *Tracker) SetFault(s State, reason string, f *fault.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setState(s)
	t.state.reason, t.state.code, t.state.about, t.state.hint = reason, f.Code, oneLineEach(f.Details), f.Hint
}

func (t *Tracker) setState(s State) {
	if t.state.state != s {
		t.state.state, t.state.since = s, t.now()
	}
	if s == Streaming || s == Standby { // it is decided, or another relay's to try
		t.haltedCommit = 0
	}
}

// oneLineEach takes the columns out of details: they are for a terminal.
func oneLineEach(details []string) []string {
	lines := make([]string, len(details))
	for i, d := range details {
		lines[i] = strings.Join(strings.Fields(d), " ")
	}
	return lines
}

// State is what the relay does now.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.effective().state
}
