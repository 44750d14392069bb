package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
)

// Fault is what a refusal says to people.
type Fault = fault.Error

// Refusal is a verdict against going on. It is an error that a person must resolve.
type Refusal struct {
	Fault
	// Watch names the facts that the verdict rests on: when one of them changes, a new session is worth a try.
	Watch []Fact
	// SQL are the statements that mend it, where statements alone do.
	SQL []string
}

// mendedBy notes the statements that mend it.
func (r *Refusal) mendedBy(sql ...string) *Refusal {
	r.SQL = sql
	return r
}

// Unwrap lets errors.As find the fault.
func (r *Refusal) Unwrap() error { return &r.Fault }

// Fact names something that a refused relay looks at again.
type Fact string

// The facts.
const (
	FactServer      Fact = "server"      // identity, timeline, recovery, rights
	FactSlot        Fact = "slot"        // existence, kind, confirmed flush
	FactPublication Fact = "publication" // options, membership, the tables themselves
	FactTopics      Fact = "topics"      // existence, id, settings and log ends
	FactCheckpoint  Fact = "checkpoint"  // its seq and generation
	FactBarrier     Fact = "barrier"     // the newest barrier
)

// Values gives the present value of each fact that r watches, as one comparable text.
func (r *Refusal) Values(f *Facts) string {
	var b strings.Builder
	for _, name := range r.Watch {
		fmt.Fprintf(&b, "%s=%s\n", name, f.value(name))
	}
	return b.String()
}

func (f *Facts) value(name Fact) string {
	switch name {
	case FactServer:
		s := f.Server
		return fmt.Sprint(s.SystemID, s.Timeline, s.Database, s.DatabaseOID, s.Version, s.InRecovery, s.WALLevel, s.Role, s.History)
	case FactSlot:
		if f.Slot == nil {
			return "none"
		}
		s := *f.Slot
		return fmt.Sprint(s.Plugin, s.Database, s.Temporary, s.TwoPhase, lsnText(s.ConfirmedFlush), s.WALStatus == "lost", s.Invalidation)
	case FactPublication:
		if f.Publication == nil {
			return "none"
		}
		return fmt.Sprintf("%+v", *f.Publication)
	case FactTopics:
		k := f.Kafka
		topic := "none"
		if k.CheckpointTopic != nil {
			topic = fmt.Sprintf("%+v", *k.CheckpointTopic)
		}
		return fmt.Sprint(k.ClusterID, k.TooOld, k.VerificationOff, topic, fmt.Sprintf("%+v", k.Guarded), slices.Sorted(slices.Values(k.Lost)), slices.Sorted(slices.Values(k.ForeignSeq)))
	case FactCheckpoint:
		if f.Checkpoint == nil {
			return "none"
		}
		return fmt.Sprint(f.Checkpoint.Generation, f.Checkpoint.Seq)
	case FactBarrier:
		if f.Barrier == nil {
			return "none"
		}
		return fmt.Sprintf("%+v", *f.Barrier)
	}
	return ""
}

func timeText(unixMicro int64) string {
	return time.UnixMicro(unixMicro).UTC().Format("2006-01-02 15:04:05.000000 UTC")
}
