package inspect

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Trace is where an event was found.
type Trace struct {
	ID         string          `json:"id"`
	Table      TableTrace      `json:"table"`
	Checkpoint CheckpointTrace `json:"checkpoint"`
	Kafka      KafkaTrace      `json:"kafka"`
	Parked     *ParkedTrace    `json:"parked"` // null: it is not parked
	Verdict    TraceVerdict    `json:"verdict"`
	// Reason explains a verdict that is not "published once".
	Reason string `json:"reason,omitempty"`
}

// TraceVerdict is what became of an event.
type TraceVerdict string

// The verdicts.
const (
	PublishedOnce TraceVerdict = "published once"
	PublishedMore TraceVerdict = "published more than once"
	EventParked   TraceVerdict = "parked"
	NotYet        TraceVerdict = "not yet"
	NotInKafka    TraceVerdict = "not found in Kafka" // although the checkpoint covers it, or nobody knows
	EventNotFound TraceVerdict = "not found"          // anywhere
	CannotTell    TraceVerdict = "cannot tell"        // a server did not answer
)

// Found tells whether the verdict is one that leaves nothing to be desired.
func (v TraceVerdict) Found() bool {
	return v == PublishedOnce || v == EventParked || v == NotYet
}

// TableTrace is what the outbox table says.
type TableTrace struct {
	Looked    bool       `json:"looked"` // false: Note says why not
	Found     bool       `json:"found"`
	Rows      int        `json:"rows,omitempty"` // with this id, at most ten are counted
	Table     string     `json:"table,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`
	Committed *time.Time `json:"committed_at,omitempty"` // known only with track_commit_timestamp
	XID       uint32     `json:"transaction,omitempty"`
	Note      string     `json:"note,omitempty"`
}

// Coverage says whether the checkpoint has decided the event's transaction.
type Coverage string

// The coverages. What is unknown is said so: the commit LSN of a row stands nowhere that can be read without a slot.
const (
	Covered         Coverage = "covered"
	NotCovered      Coverage = "not covered"
	CoverageUnknown Coverage = "unknown"
)

// CheckpointTrace is what the checkpoint says.
type CheckpointTrace struct {
	Coverage  Coverage    `json:"coverage"`
	Why       string      `json:"why"`
	CommitLSN *outbox.LSN `json:"commit_lsn"` // null: not known
	ResumeLSN *outbox.LSN `json:"resume_lsn"` // null: no checkpoint
}

// KafkaTrace is what the topics hold.
type KafkaTrace struct {
	Looked bool     `json:"looked"`
	Count  int      `json:"count"`
	Events []Event  `json:"events"`
	Topics []string `json:"topics"` // that were read to their end
	Note   string   `json:"note,omitempty"`
}

// ParkedTrace is what the parked topic holds.
type ParkedTrace struct {
	Position string    `json:"position"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail,omitempty"`
	Behind   string    `json:"behind,omitempty"`
	Time     time.Time `json:"time"`
}

// coverage judges what is known of a transaction's place; r may be nil, so may cp. at is the position that a record of
// the event carries; zero: there is none.
func coverage(cp *publisher.Checkpoint, r *row, at outbox.Position) CheckpointTrace {
	c := CheckpointTrace{Coverage: CoverageUnknown, Why: "no checkpoint"}
	if cp == nil {
		return c
	}
	c.ResumeLSN = &cp.ResumeLSN
	switch {
	case at.CommitLSN != 0:
		return c.byCommit(at.CommitLSN, cp.ResumeLSN)
	case r == nil:
		c.Why = "there is no row, so nothing is known of its transaction"
	case cp.Partial != nil && cp.Partial.XID == r.XID:
		c.Coverage, c.CommitLSN = NotCovered, &cp.Partial.CommitLSN
		c.Why = "its transaction is being published in pieces"
	case cp.Witness != nil && cp.Witness.XID == r.XID && !after(r.CreatedAt, cp.Witness.CommitTime):
		return c.byCommit(cp.Witness.CommitLSN, cp.ResumeLSN)
	case r.End <= cp.ResumeLSN:
		c.Coverage = Covered
		c.Why = fmt.Sprintf("the row was visible when the WAL ended at %s <= resume %s", r.End, cp.ResumeLSN)
	case cp.Witness != nil && after(r.CreatedAt, cp.Witness.CommitTime):
		c.Coverage = NotCovered
		c.Why = "its transaction began after the last decided one had committed"
	case cp.Witness == nil && after(r.CreatedAt, (cp.Generation+clockMargin.Milliseconds())*1000):
		c.Coverage = NotCovered
		c.Why = "nothing was decided since init or adopt, and its transaction began later"
	default:
		c.Why = "its transaction may lie on either side of resume " + cp.ResumeLSN.String()
	}
	return c
}

// clockMargin is by how much the clocks of relay and database may differ.
const clockMargin = time.Minute

func (c CheckpointTrace) byCommit(commit, resume outbox.LSN) CheckpointTrace {
	c.CommitLSN = &commit
	if commit < resume {
		c.Coverage, c.Why = Covered, fmt.Sprintf("commit %s < resume %s", commit, resume)
		return c
	}
	c.Coverage, c.Why = NotCovered, fmt.Sprintf("commit %s >= resume %s", commit, resume)
	return c
}

// after tells whether a row was surely created after a time in microseconds since the Unix epoch.
func after(created *time.Time, micro int64) bool {
	return created != nil && created.UnixMicro() > micro
}

// judge draws the conclusion.
func (t *Trace) judge() {
	switch {
	case t.Kafka.Count == 1:
		t.Verdict = PublishedOnce
		if t.Table.Rows > 1 {
			t.Reason = fmt.Sprintf("but %d rows of the table have this id", t.Table.Rows)
		}
	case t.Kafka.Count > 1:
		t.Verdict, t.Reason = PublishedMore, t.twice()
	case t.Parked != nil:
		t.Verdict, t.Reason = EventParked, t.Parked.Reason
	case !t.Kafka.Looked:
		t.Verdict, t.Reason = CannotTell, t.Kafka.Note
	case t.Table.Found:
		t.unpublished()
	case !t.Table.Looked:
		t.Verdict, t.Reason = NotInKafka, "and the outbox table could not be looked at: "+t.Table.Note
	default:
		t.Verdict = EventNotFound
		t.Reason = "it was never written, or its transaction has not committed, or row and records are deleted already"
	}
}

// unpublished is the verdict on a row without a record.
func (t *Trace) unpublished() {
	switch t.Checkpoint.Coverage {
	case NotCovered:
		t.Verdict, t.Reason = NotYet, t.Checkpoint.Why
	case Covered:
		t.Verdict = NotInKafka
		t.Reason = "although the checkpoint covers it: retention may have deleted the record, it may lie in a topic that was not read, " +
			"or it was left out by a person (adopt --accept-loss, the table was not published then)"
	default:
		t.Verdict = NotYet
		t.Reason = "and whether it is still to come is not known: " + t.Checkpoint.Why
	}
}

// twice tells who is to blame: two positions are two rows, one position is one row that was published twice.
func (t *Trace) twice() string {
	seen := map[string]bool{}
	for _, e := range t.Kafka.Events {
		if e.Relay == nil {
			return "a record without the relay's headers carries the id: another producer wrote it"
		}
		if seen[e.Relay.Position] {
			return "one position was published more than once: the same row, after adopt --accept-duplicates or by a fault of the relay"
		}
		seen[e.Relay.Position] = true
	}
	return "the records have different positions: the application has written the id more than once"
}
