package status

import "time"

// Partition is an outbox table, or one partition of it.
type Partition struct {
	Name  string `json:"name"`
	Bytes uint64 `json:"bytes"`
	// Oldest is when its oldest row was written; nil: it has none, or that is not known.
	Oldest *time.Time `json:"oldest"`
	// NextTruncate is when Relay means to empty it; nil: it does not.
	NextTruncate *time.Time `json:"next_truncate"`
	// Kept is why it was not emptied although it is old enough; nil: it was not tried, or is not.
	Kept *Kept `json:"kept"`
}

// OutboxSeen notes what the server says of the outbox tables.
func (t *Tracker) OutboxSeen(partitions []Partition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outbox, t.outboxAt = partitions, t.now()
}

// OutboxView is the outbox tables as they were seen last.
type OutboxView struct {
	Partitions []Partition `json:"partitions"`
	Seen       *time.Time  `json:"seen"`
}

// bytes of all partitions.
func (v *OutboxView) bytes() (n uint64) {
	for _, p := range v.Partitions {
		n += p.Bytes
	}
	return n
}

// oldest is when the oldest row of all was written; zero: there is none, or that is not known.
func (v *OutboxView) oldest() (first time.Time) {
	for _, p := range v.Partitions {
		if p.Oldest != nil && (first.IsZero() || p.Oldest.Before(first)) {
			first = *p.Oldest
		}
	}
	return first
}
