package model

import "fmt"

// replayedSession is one session of one instance.
type replayedSession struct {
	world    *replayedWorld
	instance string
	step     replayStep
	over     string // why nothing can be written any more; empty while it lives
	refused  bool
	repairs  bool // goes on against the guard's verdict, by a person's will
	who      producer

	// Of the present transaction.
	added    bool
	produced bool
	carries  *place // of a produced checkpoint; nil for a barrier
	ending   bool   // EndTxn was sent and has no answer yet
	late     bool   // EndTxn was sent when the epoch was superseded already
	ended    bool   // committed, and not bumped yet
	bumping  bool

	barred bool  // the barrier's transaction has ended
	found  bool  // there is a checkpoint
	read0  place // the one that was read
	last   place // the newest one that is durable
	acked  uint64
}

// replayStep is how far the start-up has come.
type replayStep uint8

const (
	stepOwned replayStep = iota
	stepAsked
	stepFenced
	stepBarrier
	stepRead
	stepStreaming
)

func (s *replayedSession) init(a *Action) string {
	switch {
	case s.step > stepAsked:
		return "InitProducerID(-1, -1) belongs to the start-up only"
	case a.State == StateSent:
		s.step = stepAsked
		return ""
	case a.notYet():
		return ""
	case !a.ok():
		s.over = "the fence failed"
		return ""
	}
	s.step, s.who = stepFenced, a.producer()
	return s.world.give(s.who)
}

// mayWrite are the conditions of every request of a transaction.
func (s *replayedSession) mayWrite(a *Action) string {
	switch {
	case s.step < stepFenced:
		return "nothing may be written before the fence"
	case s.step < stepStreaming && s.barred:
		return "nothing may be written between the barrier and the guard"
	case a.producer() != s.who:
		return fmt.Sprintf("producer id %d and epoch %d are not the session's, which are %d and %d", a.PID, a.Epoch, s.who.pid, s.who.epoch)
	case s.ended:
		return "the epoch belongs to a transaction that has ended"
	case s.ending:
		return "the transaction is being ended"
	}
	return ""
}

func (s *replayedSession) add(a *Action) string {
	if reason := s.mayWrite(a); reason != "" {
		return reason
	}
	s.added = a.ok()
	if !a.ok() {
		s.over = "adding partitions failed"
	}
	return ""
}

func (s *replayedSession) produce(a *Action) string {
	if reason := s.mayWrite(a); reason != "" {
		return reason
	}
	switch {
	case !s.added:
		return "its partitions were not added to the transaction"
	case s.produced:
		return "a transaction is produced once"
	case a.Seq == nil && s.step == stepStreaming:
		return "events without a checkpoint"
	case a.Seq != nil && s.step < stepStreaming:
		return "a checkpoint before the guard has passed"
	case !a.ok():
		s.over = "producing failed"
		return ""
	}
	s.produced, s.carries = true, nil
	if a.Seq != nil {
		p := a.place()
		s.carries = &p
		return s.follows(p)
	}
	return ""
}

// follows tells whether the checkpoint comes next after the newest one.
func (s *replayedSession) follows(p place) string {
	switch {
	case p.seq != s.last.seq+1:
		return fmt.Sprintf("checkpoint %d does not follow %d", p.seq, s.last.seq)
	case p.resume < s.last.resume && !s.repairs: // on another history an LSN means another place
		return "resume_lsn goes back"
	}
	return ""
}

func (s *replayedSession) end(a *Action) string {
	if a.State != StateSent {
		return s.endAnswered(a)
	}
	if reason := s.mayWrite(a); reason != "" {
		return reason
	}
	if !s.produced {
		return "not everything was produced and acknowledged"
	}
	s.ending, s.late = true, s.world.superseded(s.who)
	if s.carries != nil {
		s.world.sent[*s.carries] = true
	}
	return ""
}

func (s *replayedSession) endAnswered(a *Action) string {
	switch {
	case !s.ending:
		return "an answer to nothing"
	case a.notYet():
		s.ending = false
		return ""
	case !a.ok():
		s.over = "whether the transaction was committed is in doubt"
		return ""
	case s.late:
		return "committed under an epoch that was superseded before"
	}
	s.ending, s.ended = false, true
	s.added, s.produced = false, false
	if s.carries == nil {
		s.barred = true
		return ""
	}
	s.last = *s.carries
	return s.world.commit(s.last, s)
}

func (s *replayedSession) bump(a *Action) string {
	switch {
	case a.State == StateSent && !s.ended:
		return "a bump belongs right behind a commit"
	case a.State == StateSent && a.producer() != s.who:
		return "a bump names the session's own epoch"
	case a.State == StateSent:
		s.bumping = true
		return ""
	case !s.bumping:
		return "an answer to nothing"
	case a.notYet():
		return ""
	case !a.ok():
		s.over = "the bump failed"
		return ""
	case a.PID == s.who.pid && a.Epoch != s.who.epoch+1:
		return "the epoch grows by one"
	}
	s.who, s.ended, s.bumping = a.producer(), false, false
	return s.world.give(s.who)
}

func (s *replayedSession) barrier() string {
	if s.step != stepFenced || !s.barred {
		return "the barrier is committed right behind the fence"
	}
	s.step = stepBarrier
	return ""
}

func (s *replayedSession) read(a *Action) string {
	if s.step != stepBarrier {
		return "the checkpoint is read behind the barrier, once"
	}
	if !a.ok() {
		s.over = "reading the checkpoint failed"
		return ""
	}
	s.step, s.found = stepRead, a.Seq != nil
	s.read0, s.last = a.place(), a.place()
	return ""
}

func (s *replayedSession) guard(a *Action) string {
	switch {
	case s.step != stepRead:
		return "the guard judges what was read"
	case a.Verdict != VerdictRun && a.Verdict != VerdictRepair:
		s.refused = true
		return ""
	case !s.found:
		return "nobody begins without a checkpoint"
	}
	s.step, s.repairs = stepStreaming, a.Verdict == VerdictRepair
	if s.world.superseded(s.who) {
		return "" // somebody else goes on; this session will find out
	}
	return s.world.found(s.read0)
}

func (s *replayedSession) skip(a *Action) string {
	if s.step != stepStreaming || uint64(a.ResumeLSN) != s.read0.resume {
		return "what is skipped is what the checkpoint covers that was read"
	}
	return ""
}

// acknowledge may come when the session is over already: what is durable stays durable.
func (s *replayedSession) acknowledge(a *Action) string {
	lsn := uint64(a.ResumeLSN)
	switch {
	case s.step != stepStreaming:
		return "nothing is acknowledged before the guard has passed"
	case s.repairs:
		return "a repair acknowledges nothing"
	case lsn > s.last.resume:
		return "what is acknowledged is not durable"
	case lsn < s.acked:
		return "an acknowledgement goes back"
	case a.Seq != nil && *a.Seq > s.last.seq:
		return "the checkpoint is not the durable one"
	}
	s.acked = lsn
	return ""
}
