package audit

import (
	"github.com/outbox-relay/relay/outbox"
)

// suspects are rows that are not in Kafka and records that have no row. Whether that is wrong depends on what all the
// others say: how far the table, the log and the relay's own life reach back.
type suspects struct {
	entries    *sorter
	key, value []byte
}

func (s *suspects) add(id string, e entry) error {
	s.key, s.value = appendKey(s.key[:0], []byte(id)), e.appendTo(s.value[:0])
	return s.entries.add(s.key, s.value)
}

// horizon is how far back everything reaches.
type horizon struct {
	places *places
	moment moment
	// decided: the checkpoint has passed everything that the snapshot shows.
	decided bool
	// ended: transactions with an older id are decided in any case; 0: not known.
	ended uint32
	// generation of the oldest relay that was seen, milliseconds since the Unix epoch, and the oldest transaction id in
	// Kafka; 0: not known.
	generation int64
	oldestXID  uint32
	// oldestRow is the oldest transaction id of the table, firstMatch the first commit of those in Kafka that have a row.
	oldestRow  uint32
	firstMatch outbox.LSN
}

// grace is how much the clocks of Relay's host and of Postgres may differ, and how long a transaction may have been open
// when the relay began.
const grace = int64(60 * 60 * 1000) // milliseconds

// absent says what it means that a row is not in Kafka.
func (h *horizon) absent(e *entry) Kind {
	if e.later {
		return Skipped
	}
	if e.bad {
		if !h.isDecided(e) {
			return Waiting
		}
		return Unsendable
	}
	if kind, excused := h.logged(e); excused {
		return kind
	}
	if kind, excused := h.younger(e); excused {
		return kind
	}
	if !h.isDecided(e) {
		return Waiting
	}
	return Missing
}

func (h *horizon) isDecided(e *entry) bool {
	return h.decided || h.ended != 0 && xidBefore(e.xid, h.ended)
}

// logged tells whether the topic's log would still have the row's record.
func (h *horizon) logged(e *entry) (Kind, bool) {
	for _, p := range h.places.of(e.topic) {
		switch {
		case p.Compacted:
			return Compacted, true
		case p.Start == 0:
		case p.oldXID == 0, !xidBefore(p.oldXID, e.xid):
			return Deleted, true
		}
	}
	return "", false
}

// younger tells whether the relay was there when the row was written. Postgres creates a slot when every transaction
// that was open then has ended, so older transaction ids than the first published one were not for us.
func (h *horizon) younger(e *entry) (Kind, bool) {
	switch {
	case h.oldestXID != 0 && !xidBefore(e.xid, h.oldestXID):
		return "", false
	case e.created != 0 && e.created < h.generation+grace:
		return BeforeRelay, h.oldestXID != 0 || e.created < h.generation
	case e.created != 0:
		return "", false
	case h.oldestXID != 0:
		return BeforeRelay, true
	}
	return Undatable, true
}

// afterwards says whether a record's row was not there yet when the rows were read.
func (h *horizon) afterwards(e *entry) bool {
	return e.later || e.position.CommitLSN >= h.moment.before
}

// extra says whether a record without a row is out of place; if not, its row has gone, or came afterwards.
func (h *horizon) extra(e *entry) bool {
	switch {
	case h.afterwards(e):
		return false
	case h.firstMatch == 0, e.position.CommitLSN < h.firstMatch:
		return false
	}
	return e.xid == 0 || h.oldestRow == 0 || !xidBefore(e.xid, h.oldestRow)
}
