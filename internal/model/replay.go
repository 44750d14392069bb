package model

import "fmt"

// ReplayError says which action of a protocol log the protocol does not allow.
type ReplayError struct {
	Index  int // in the log, from 0
	Action Action
	Reason string
}

func (e *ReplayError) Error() string {
	a := &e.Action
	return fmt.Sprintf("protocol log, record %d: instance %q, %s %s: %s", e.Index+1, a.Instance, a.Name, a.State, e.Reason)
}

// Replay checks a protocol log against the rules for each session, and against those that hold between them. It needs
// the whole log of every instance, in the order in which things happened (Merge), and nobody else may have written
// checkpoints meanwhile: a log is to be cut where `relay adopt` or `relay init` did. `relay parked retry` and `skip` are
// instances as any other; --protocol-log gives theirs. So is `relay repair`, whose guard says VerdictRepair: it goes on from
// what was read as everybody does, but acknowledges nothing.
//
// A process may be stopped between an answer and its record. So an answer that comes late in the log is taken for what
// it was when the request was sent. The first action that breaks a rule is returned as a *ReplayError.
func Replay(actions []Action) error {
	w := &replayedWorld{
		sessions: map[string]*replayedSession{}, epochs: map[int64]int32{},
		sent: map[place]bool{}, done: map[uint64]commitment{},
	}
	for i := range actions {
		if reason := w.take(&actions[i]); reason != "" {
			return &ReplayError{Index: i, Action: actions[i], Reason: reason}
		}
	}
	return nil
}

// take is the transition function: nothing when the action is allowed, else the reason.
func (w *replayedWorld) take(a *Action) string {
	if a.Name == ActionOwn {
		w.sessions[a.Instance] = &replayedSession{world: w, instance: a.Instance}
		return ""
	}
	s := w.sessions[a.Instance]
	if s == nil {
		return "the slot must be owned first"
	}
	if s.refused {
		return "the session is over: the guard has refused"
	}
	switch a.Name {
	case ActionInit, ActionAdd, ActionProduce, ActionEnd, ActionBump:
		if s.over != "" {
			return "the session is over: " + s.over
		}
	}
	switch a.Name {
	case ActionInit:
		return s.init(a)
	case ActionAdd:
		return s.add(a)
	case ActionProduce:
		return s.produce(a)
	case ActionEnd:
		return s.end(a)
	case ActionBump:
		return s.bump(a)
	case ActionBarrier:
		return s.barrier()
	case ActionRead:
		return s.read(a)
	case ActionGuard:
		return s.guard(a)
	case ActionSkip:
		return s.skip(a)
	case ActionAcknowledge:
		return s.acknowledge(a)
	}
	return "unknown action"
}
