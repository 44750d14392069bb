package model

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Action is one record of the protocol log that a relay writes: one JSON object a line. What changes state at the
// coordinator is there twice, before it is sent and when it is answered; everything else once, when it is done.
type Action struct {
	Time      time.Time  `json:"time"`
	Name      string     `json:"msg"`
	Instance  string     `json:"-"`      // which process wrote it: one log is one instance
	State     string     `json:"state"`  // StateSent, StateAnswered, or empty
	Answer    string     `json:"answer"` // Kafka's answer with its number, "NONE (0)", or an error; empty: it worked
	PID       int64      `json:"pid"`    // producer id; of own: the walsender
	Epoch     int32      `json:"epoch"`
	ResumeLSN outbox.LSN `json:"resume_lsn"`
	Seq       *uint64    `json:"seq"`       // of the checkpoint; nil for a barrier and when no checkpoint was found
	Parked    uint64     `json:"parked"`    // of the checkpoint: events in the parked topic
	HeldKeys  uint64     `json:"held_keys"` // of the checkpoint
	Verdict   string     `json:"verdict"`
}

// Names of actions.
const (
	ActionOwn         = "own"
	ActionInit        = "init"
	ActionAdd         = "add"
	ActionProduce     = "produce"
	ActionEnd         = "end"
	ActionBump        = "bump"
	ActionBarrier     = "barrier"
	ActionRead        = "read"
	ActionGuard       = "guard"
	ActionSkip        = "skip"
	ActionAcknowledge = "acknowledge"
)

// Values of State and Verdict.
const (
	StateSent     = "sent"
	StateAnswered = "answered"
	VerdictRun    = "run"
	// VerdictRepair: the guard has refused, and a person has said that this session is to mend it.
	VerdictRepair = "repair"
)

// ok tells whether the answer is that it worked.
func (a *Action) ok() bool { return a.Answer == "" || a.code() == "NONE" }

// code is the name of the answer without its number.
func (a *Action) code() string {
	name, _, _ := strings.Cut(a.Answer, " (")
	return name
}

// notYet tells whether the answer is one that may be asked again.
func (a *Action) notYet() bool {
	return a.code() == "CONCURRENT_TRANSACTIONS" || a.code() == "COORDINATOR_LOAD_IN_PROGRESS"
}

// ReadLog reads the protocol log of one process, which is called instance from here on. The last line of a process that
// was killed may be cut short; it is left out.
func ReadLog(r io.Reader, instance string) ([]Action, error) {
	in := bufio.NewReader(r)
	var actions []Action
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return actions, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read protocol log: %w", err)
		}
		var a Action
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, fmt.Errorf("read protocol log: line %d: %w", n, err)
		}
		a.Instance = instance
		actions = append(actions, a)
	}
}

// Merge puts the logs of several instances into one, by time. Their clocks have to be the same.
func Merge(logs ...[]Action) []Action {
	all := slices.Concat(logs...)
	slices.SortStableFunc(all, func(a, b Action) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return all
}
