package status

import "time"

// Progress is the little of a View that may be asked for as often as one likes: it costs a lock and no memory.
type Progress struct {
	Pending           int64  // events received and not yet committed
	Events            uint64 // committed by this process
	KafkaTransactions uint64
	At                time.Time // of the last commit in this process; zero: none yet
}

// Progress is how far the relay has come.
func (t *Tracker) Progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Progress{Pending: max(0, t.pendingEvents.Load()), Events: t.totals.events, KafkaTransactions: t.totals.kafka, At: t.progress}
}
