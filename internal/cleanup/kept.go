package cleanup

import (
	"fmt"
	"time"
)

// reason is why a weekday that is due was not freed, in one of a few fixed words: it becomes a label.
type reason string

const (
	keptYoung      reason = "young_rows"
	keptFuture     reason = "future_rows"
	keptBefore     reason = "rows_before_start"
	keptWriter     reason = "open_transaction"
	keptCheckpoint reason = "checkpoint_behind"
	keptSlot       reason = "other_slot_behind"
	keptLocked     reason = "locked"
	keptChanged    reason = "rows_added"
	keptRight      reason = "missing_right"
	keptError      reason = "error"
)

// kept says that a weekday stays for now, and why. It is not an error.
type kept struct {
	reason reason
	detail string
	again  time.Time // when it can be otherwise; zero: not known
}

// needsPerson tells the reasons that do not pass by themselves.
func (k *kept) needsPerson() bool {
	switch k.reason {
	case keptBefore, keptFuture, keptRight, keptSlot, keptError:
		return true
	}
	return false
}

func keep(r reason, format string, args ...any) *kept {
	return &kept{reason: r, detail: fmt.Sprintf(format, args...)}
}

// backoff is how long after a failed attempt a weekday is tried again: each reads the whole partition.
func backoff(last, first time.Duration) time.Duration { return min(max(2*last, first), 32*first) }
