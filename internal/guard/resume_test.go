package guard

import (
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

const options = "messages=false"

func tx(lsn outbox.LSN, xid uint32) publisher.Transaction {
	return publisher.Transaction{CommitLSN: lsn, XID: xid, CommitTime: int64(xid), Rows: 2, Digest: publisher.Digest(xid)}
}

// decided is a checkpoint up to 0x100 whose last transaction with rows was witness.
func decided(witness publisher.Transaction) *publisher.Checkpoint {
	return &publisher.Checkpoint{ResumeLSN: 0x100, Witness: &witness, Fingerprint: options}
}

// feed lets one transaction pass, as the receiver would.
func feed(r *Resume, t publisher.Transaction) (Skip, *Refusal) {
	head := t
	head.Rows, head.Digest = 0, 0
	skip, refusal := r.FirstRow(head)
	if refusal != nil {
		return skip, refusal
	}
	return skip, r.Commit(t)
}

func wantRefusal(t *testing.T, r *Refusal) {
	t.Helper()
	if r == nil || r.Code != fault.WitnessDiffers {
		t.Fatalf("refusal %v, want %v", r, fault.WitnessDiffers)
	}
}

func wantNone(t *testing.T, r *Refusal) {
	t.Helper()
	if r != nil {
		t.Fatalf("refused: %v %v", r, r.Details)
	}
}

func TestResumeSkipsBelowExclusively(t *testing.T) {
	r := NewResume(decided(tx(0x80, 8)), 0x80, options, nil)
	if r.Verified() {
		t.Error("verified before the witness came")
	}
	skip, refusal := feed(r, tx(0x80, 8))
	wantNone(t, refusal)
	if skip != AllRows {
		t.Errorf("witness: skip %d rows, want all", skip)
	}
	if !r.Verified() {
		t.Error("not verified after the witness came")
	}
	skip, refusal = feed(r, tx(0x100, 9)) // a commit record can start exactly where the last one ended
	wantNone(t, refusal)
	if skip != 0 {
		t.Errorf("transaction at the resume LSN: skip %d rows, want none", skip)
	}
}

func TestWitnessMustComeAndMatch(t *testing.T) {
	other := map[string]func(*publisher.Transaction){
		"xid":    func(t *publisher.Transaction) { t.XID++ },
		"time":   func(t *publisher.Transaction) { t.CommitTime++ },
		"rows":   func(t *publisher.Transaction) { t.Rows++ },
		"digest": func(t *publisher.Transaction) { t.Digest++ },
	}
	for name, change := range other {
		t.Run("differs in "+name, func(t *testing.T) {
			sent := tx(0x80, 8)
			change(&sent)
			_, refusal := feed(NewResume(decided(tx(0x80, 8)), 0x80, options, nil), sent)
			wantRefusal(t, refusal)
		})
	}
	t.Run("later transaction came instead", func(t *testing.T) {
		_, refusal := feed(NewResume(decided(tx(0x80, 8)), 0x80, options, nil), tx(0x100, 9))
		wantRefusal(t, refusal)
	})
	t.Run("decided transaction came instead", func(t *testing.T) {
		_, refusal := feed(NewResume(decided(tx(0x80, 8)), 0x80, options, nil), tx(0x90, 9))
		wantRefusal(t, refusal)
	})
	t.Run("keepalive passed it", func(t *testing.T) {
		r := NewResume(decided(tx(0x80, 8)), 0x80, options, nil)
		wantNone(t, r.Keepalive(0x80))
		wantRefusal(t, r.Keepalive(0x81))
	})
	t.Run("not sent again when acknowledged", func(t *testing.T) {
		r := NewResume(decided(tx(0x80, 8)), 0x81, options, nil)
		wantNone(t, r.Keepalive(0x200))
		_, refusal := feed(r, tx(0x100, 9))
		wantNone(t, refusal)
	})
	t.Run("none after init", func(t *testing.T) {
		r := NewResume(&publisher.Checkpoint{ResumeLSN: 0x100, Fingerprint: options}, 0x100, options, nil)
		wantNone(t, r.Keepalive(0x200))
		_, refusal := feed(r, tx(0x100, 9))
		wantNone(t, refusal)
	})
}

func TestRowsAfterTheWitness(t *testing.T) {
	r := NewResume(decided(tx(0x80, 8)), 0x40, options, nil)
	_, refusal := feed(r, tx(0x70, 7))
	wantNone(t, refusal)
	_, refusal = feed(r, tx(0x80, 8))
	wantNone(t, refusal)
	_, refusal = feed(r, tx(0x90, 9))
	wantRefusal(t, refusal)
}

// TestFloor: before any witness, the place where init or adopt began is as good as one.
func TestFloor(t *testing.T) {
	begun := func() *publisher.Checkpoint {
		return &publisher.Checkpoint{Floor: 0x80, ResumeLSN: 0x100, Fingerprint: options}
	}
	_, refusal := feed(NewResume(begun(), 0x40, options, nil), tx(0x7f, 7)) // given up by adopt
	wantNone(t, refusal)
	_, refusal = feed(NewResume(begun(), 0x40, options, nil), tx(0x80, 8))
	wantRefusal(t, refusal)
	_, refusal = feed(NewResume(begun(), 0x40, options, nil), tx(0x100, 9))
	wantNone(t, refusal)
}

func TestOtherStreamOptions(t *testing.T) {
	var warned int
	r := NewResume(decided(tx(0x80, 8)), 0x40, "messages=true", func(string) { warned++ })
	more := tx(0x80, 8)
	more.Rows, more.Digest = 5, 1
	_, refusal := feed(r, more) // rows cannot be compared, xid and time can
	wantNone(t, refusal)
	_, refusal = feed(r, tx(0x90, 9))
	wantNone(t, refusal)
	if warned != 1 {
		t.Errorf("warned %d times of a transaction after the witness, want once", warned)
	}
	other := tx(0x80, 9)
	_, refusal = feed(NewResume(decided(tx(0x80, 8)), 0x40, "messages=true", nil), other)
	wantRefusal(t, refusal)
}

// inPart is a checkpoint inside a transaction of which two rows are published.
func inPart() *publisher.Checkpoint {
	cp := decided(tx(0x80, 8))
	part := tx(0x120, 12)
	cp.Partial, cp.Pieces = &part, 1
	return cp
}

func TestPartialTransaction(t *testing.T) {
	acknowledged := outbox.LSN(0x100)
	head := publisher.Transaction{CommitLSN: 0x120, XID: 12, CommitTime: 12}
	t.Run("goes on", func(t *testing.T) {
		r := NewResume(inPart(), acknowledged, options, nil)
		skip, refusal := r.FirstRow(head)
		wantNone(t, refusal)
		if skip != 2 || r.Verified() {
			t.Errorf("skip %d, verified %v; want 2 rows and not yet", skip, r.Verified())
		}
		wantNone(t, r.PartEnds(tx(0x120, 12)))
		if !r.Verified() {
			t.Error("not verified after the part matched")
		}
		whole := tx(0x120, 12)
		whole.Rows, whole.Digest = 9, 99
		wantNone(t, r.Commit(whole))
	})
	t.Run("other rows", func(t *testing.T) {
		r := NewResume(inPart(), acknowledged, options, nil)
		_, refusal := r.FirstRow(head)
		wantNone(t, refusal)
		changed := tx(0x120, 12)
		changed.Digest++
		wantRefusal(t, r.PartEnds(changed))
	})
	t.Run("shorter", func(t *testing.T) {
		r := NewResume(inPart(), acknowledged, options, nil)
		_, refusal := r.FirstRow(head)
		wantNone(t, refusal)
		short := tx(0x120, 12)
		short.Rows = 1
		wantRefusal(t, r.Commit(short))
	})
	t.Run("another transaction first", func(t *testing.T) {
		_, refusal := NewResume(inPart(), acknowledged, options, nil).FirstRow(publisher.Transaction{CommitLSN: 0x110, XID: 11, CommitTime: 11})
		wantRefusal(t, refusal)
	})
	t.Run("same place, other xid", func(t *testing.T) {
		_, refusal := NewResume(inPart(), acknowledged, options, nil).FirstRow(publisher.Transaction{CommitLSN: 0x120, XID: 13, CommitTime: 12})
		wantRefusal(t, refusal)
	})
	t.Run("never comes", func(t *testing.T) {
		r := NewResume(inPart(), acknowledged, options, nil)
		wantNone(t, r.Keepalive(0x120))
		wantRefusal(t, r.Keepalive(0x121))
	})
	t.Run("other stream options", func(t *testing.T) {
		_, refusal := NewResume(inPart(), acknowledged, "messages=true", nil).FirstRow(head)
		wantRefusal(t, refusal)
	})
}
