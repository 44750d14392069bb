package model

import "fmt"

// replayedWorld is what all instances have in common: the epochs that were given away, and the checkpoint.
type replayedWorld struct {
	sessions map[string]*replayedSession
	epochs   map[int64]int32 // highest epoch given away of each producer id
	newest   producer

	based bool  // a first checkpoint was read: the log may begin anywhere
	last  place // newest checkpoint that is known to be committed
	sent  map[place]bool
	done  map[uint64]commitment // by seq
}

// commitment is a committed checkpoint; by is empty when it was read and not answered to its writer.
type commitment struct {
	resume uint64
	by     string
}

// producer is a producer id with its epoch.
type producer struct {
	pid   int64
	epoch int32
}

// place is a checkpoint's place in the order of checkpoints. What it counts as parked and held belongs to it: whoever reads
// another number than was written has lost an event that waits.
type place struct {
	seq    uint64
	resume uint64
	parked uint64
	held   uint64
}

func (a *Action) producer() producer { return producer{a.PID, a.Epoch} }

func (a *Action) place() place {
	p := place{resume: uint64(a.ResumeLSN), parked: a.Parked, held: a.HeldKeys}
	if a.Seq != nil {
		p.seq = *a.Seq
	}
	return p
}

// give notes an epoch that the coordinator gave away, which it does once.
func (w *replayedWorld) give(to producer) string {
	if to.pid < 0 || to.epoch < 0 {
		return "no valid producer id and epoch"
	}
	highest, seen := w.epochs[to.pid]
	if seen && to.epoch == highest {
		return fmt.Sprintf("epoch %d is given away a second time", to.epoch)
	}
	if !seen || to.epoch > highest {
		w.epochs[to.pid], w.newest = to.epoch, to
	}
	return ""
}

// superseded tells whether somebody was given a newer epoch.
func (w *replayedWorld) superseded(p producer) bool { return p != w.newest }

// commit notes a checkpoint whose transaction was committed.
func (w *replayedWorld) commit(p place, s *replayedSession) string {
	by := s.instance
	known, again := w.done[p.seq]
	switch {
	case again && known.resume == p.resume && (known.by == "" || known.by == by):
		return "" // somebody has read it meanwhile
	case again || p.seq != w.last.seq+1:
		return fmt.Sprintf("commits checkpoint %d, the newest is %d", p.seq, w.last.seq)
	case p.resume < w.last.resume && !s.repairs:
		return "resume_lsn goes back behind what was committed"
	}
	w.last, w.done[p.seq] = p, commitment{p.resume, by}
	return ""
}

// found notes a checkpoint that was read and that the guard has accepted.
func (w *replayedWorld) found(p place) string {
	switch {
	case !w.based:
		w.based = true
	case p == w.last:
		return ""
	case p.seq <= w.last.seq || p.resume < w.last.resume:
		return fmt.Sprintf("goes on from checkpoint %d, although %d was committed", p.seq, w.last.seq)
	case !w.sent[p]:
		return fmt.Sprintf("goes on from checkpoint %d, which nobody has sent", p.seq)
	}
	w.last, w.done[p.seq] = p, commitment{resume: p.resume}
	return ""
}
