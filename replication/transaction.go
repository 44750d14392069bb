package replication

import "fmt"

// transaction checks that messages form whole transactions in commit order, and tells rows which one they belong to.
// Exactly once rests on that order; a stream that breaks it is not one to go on with.
type transaction struct {
	open       bool
	commitLSN  LSN
	commitTime int64
	xid        uint32
	// floor is the highest position of which the server has said that everything before it was sent: the end of the
	// last commit record, or the WAL end of a keepalive. The next commit record may start exactly there, never before.
	// https://github.com/postgres/postgres/blob/master/src/backend/replication/walsender.c: sentPtr only moves to the
	// end of a record when that record has been decoded, and a transaction is sent when its commit record is.
	floor LSN
}

// apply checks m against the transaction around it and names that transaction in it.
func (t *transaction) apply(m *Message) error {
	switch m.Kind {
	case Begin:
		return t.begin(m)
	case Commit:
		return t.commit(m)
	case LogicalMessage:
		if !m.Transactional {
			return nil
		}
	}
	if !t.open {
		return fmt.Errorf("%s outside of a transaction", m.Kind)
	}
	m.CommitLSN, m.CommitTime, m.XID = t.commitLSN, t.commitTime, t.xid
	return nil
}

func (t *transaction) begin(m *Message) error {
	if t.open {
		return fmt.Errorf("begin of transaction %d inside transaction %d", m.XID, t.xid)
	}
	if m.CommitLSN < t.floor || m.CommitLSN == 0 {
		return fmt.Errorf("begin of transaction %d with commit LSN %s, before %s up to which everything was sent", m.XID, m.CommitLSN, t.floor)
	}
	t.open, t.commitLSN, t.commitTime, t.xid = true, m.CommitLSN, m.CommitTime, m.XID
	return nil
}

func (t *transaction) commit(m *Message) error {
	switch {
	case !t.open:
		return fmt.Errorf("commit at %s outside of a transaction", m.CommitLSN)
	case m.CommitLSN != t.commitLSN:
		return fmt.Errorf("commit at %s of transaction %d, which began with commit LSN %s", m.CommitLSN, t.xid, t.commitLSN)
	case m.CommitTime != t.commitTime:
		return fmt.Errorf("commit time %d of transaction %d, which began with %d", m.CommitTime, t.xid, t.commitTime)
	case m.EndLSN <= m.CommitLSN:
		return fmt.Errorf("commit record of transaction %d from %s to %s", t.xid, m.CommitLSN, m.EndLSN)
	}
	m.XID = t.xid
	t.open = false
	t.floor = m.EndLSN
	return nil
}

// keepalive notes a WAL end and tells whether the keepalive stands between transactions. Right after START_REPLICATION
// the WAL end goes back once, from the slot's confirmed position to where decoding restarts.
func (t *transaction) keepalive(walEnd LSN) bool {
	if t.open {
		return false
	}
	t.floor = max(t.floor, walEnd)
	return true
}
