package guard

import (
	"fmt"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Resume follows the first part of the stream and decides, transaction by transaction, what the checkpoint has already
// decided, and whether Postgres sends again exactly what was decided. Only what has commit LSN < ResumeLSN is skipped.
//
// A restored disk or a second promotion can reuse timeline, LSN and xid, so position alone proves nothing. The witness,
// the last transaction decided whole, does: where the slot says that it will be sent again, it must come and match.
type Resume struct {
	cp         *publisher.Checkpoint
	comparable bool // digests of the recording session and of this one can be compared
	mustSee    bool // the server is bound to send the witness again and has not yet
	partial    bool // the transaction that was published in part has not come by yet
	warn       func(string)
}

// NewResume starts before the first message of a stream. confirmedFlush is the slot's at that time; fingerprint that of
// this session's stream options. warn is told of differences that cannot be judged because the options differ.
func NewResume(cp *publisher.Checkpoint, confirmedFlush outbox.LSN, fingerprint string, warn func(string)) *Resume {
	return &Resume{
		cp:         cp,
		comparable: cp.Fingerprint == fingerprint,
		mustSee:    cp.Witness != nil && confirmedFlush <= cp.Witness.CommitLSN,
		partial:    cp.Partial != nil,
		warn:       warn,
	}
}

// Verified reports whether everything the checkpoint promised has been seen: from then on records may be published.
func (r *Resume) Verified() bool { return !r.mustSee && !r.partial }

// From is the LSN that the checkpoint resumes from, exclusive.
func (r *Resume) From() outbox.LSN { return r.cp.ResumeLSN }

// Pieces is how many pieces of a transaction published in part are durable.
func (r *Resume) Pieces() uint32 { return r.cp.Pieces }

// Skip is how many leading rows of a transaction are decided already: AllRows, or the rows of a partial one.
type Skip uint64

// AllRows skips the whole transaction.
const AllRows = Skip(1<<64 - 1)

// FirstRow is asked before the first row of each transaction with rows; tx has no rows and digest yet.
func (r *Resume) FirstRow(tx publisher.Transaction) (Skip, *Refusal) {
	if tx.CommitLSN < r.cp.ResumeLSN {
		return AllRows, nil
	}
	if r.mustSee {
		return 0, r.mustCome(r.cp.Witness, fmt.Sprintf("transaction %d at %s", tx.XID, tx.CommitLSN))
	}
	if !r.partial {
		return 0, nil
	}
	p := r.cp.Partial
	if tx.CommitLSN != p.CommitLSN || tx.XID != p.XID || tx.CommitTime != p.CommitTime {
		return 0, r.differs("the transaction that was published in part did not come again", *p, tx)
	}
	if !r.comparable {
		return 0, r.refuse("a transaction was published in part with other stream options, so its rest cannot be told apart",
			"Start once with the configuration and version that wrote the checkpoint (outbox.wal_messages, source.publication), then change it.")
	}
	return Skip(p.Rows), nil
}

// PartEnds is asked when the rows that a partial checkpoint covers have come by, with their digest.
func (r *Resume) PartEnds(tx publisher.Transaction) *Refusal {
	if tx.Digest != r.cp.Partial.Digest {
		return r.differs("the transaction that was published in part has other rows now", *r.cp.Partial, tx)
	}
	r.partial = false
	return nil
}

// Commit is asked at the end of each transaction with rows, tx complete.
func (r *Resume) Commit(tx publisher.Transaction) *Refusal {
	if tx.CommitLSN >= r.cp.ResumeLSN {
		if r.partial {
			return r.differs("the transaction that was published in part is shorter now", *r.cp.Partial, tx)
		}
		return nil
	}
	w := r.cp.Witness
	if w == nil && tx.CommitLSN >= r.cp.Floor {
		return r.unexpected(publisher.Transaction{CommitLSN: r.cp.Floor}, tx)
	}
	if w == nil || tx.CommitLSN < w.CommitLSN {
		return nil
	}
	if tx.CommitLSN == w.CommitLSN {
		return r.sawWitness(tx)
	}
	if r.mustSee {
		return r.mustCome(r.cp.Witness, fmt.Sprintf("transaction %d at %s", tx.XID, tx.CommitLSN))
	}
	return r.unexpected(*w, tx)
}

// unexpected judges a transaction with rows where the checkpoint knows of none.
func (r *Resume) unexpected(last, tx publisher.Transaction) *Refusal {
	if r.comparable {
		return r.differs("Postgres sends a transaction that did not exist when the checkpoint was written", last, tx)
	}
	r.warn(fmt.Sprintf("transaction %d at %s has rows now and had none under the stream options of the checkpoint", tx.XID, tx.CommitLSN))
	return nil
}

// Keepalive is asked with each keepalive outside a transaction.
func (r *Resume) Keepalive(walEnd outbox.LSN) *Refusal {
	came := fmt.Sprintf("a keepalive at %s", walEnd)
	if r.mustSee && walEnd > r.cp.Witness.CommitLSN {
		return r.mustCome(r.cp.Witness, came)
	}
	if r.partial && walEnd > r.cp.Partial.CommitLSN {
		return r.mustCome(r.cp.Partial, came)
	}
	return nil
}

func (r *Resume) sawWitness(tx publisher.Transaction) *Refusal {
	w := *r.cp.Witness
	same := tx.XID == w.XID && tx.CommitTime == w.CommitTime
	if same && r.comparable {
		same = tx.Rows == w.Rows && tx.Digest == w.Digest
	}
	if !same {
		return r.differs("the last published transaction is a different one now", w, tx)
	}
	r.mustSee = false
	return nil
}

// mustCome refuses because something came that can only come after t.
func (r *Resume) mustCome(t *publisher.Transaction, came string) *Refusal {
	ref := r.refuse(fmt.Sprintf("Postgres did not send transaction %d at %s again, which it was bound to", t.XID, t.CommitLSN), restoredHint)
	ref.Details = append(ref.Details, "instead came      "+came)
	return ref
}

func (r *Resume) differs(summary string, was, is publisher.Transaction) *Refusal {
	ref := r.refuse(summary, restoredHint)
	ref.Details = append(ref.Details, "recorded          "+describe(was), "received          "+describe(is))
	return ref
}

const restoredHint = "This database is not the one that the events came from: a restored backup or disk, or another branch after a fail-over. " +
	"`relay repair --verdict RLY1014` names what is public and not in the database, and with --apply publishes what is in the table and not in Kafka."

func (r *Resume) refuse(summary, hint string) *Refusal {
	ref := refuse(fault.WitnessDiffers, []Fact{FactServer, FactSlot, FactCheckpoint}, summary, hint)
	ref.Details = checkpointLine(&Facts{Checkpoint: r.cp})
	return ref
}

func describe(t publisher.Transaction) string {
	s := fmt.Sprintf("transaction %d at %s, committed %s", t.XID, t.CommitLSN, timeText(t.CommitTime))
	if t.Rows > 0 {
		s += fmt.Sprintf(", %d rows", t.Rows)
	}
	return s
}
