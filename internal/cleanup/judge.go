package cleanup

import "time"

// rows are what a scan found in a partition.
type rows struct {
	count            int64
	oldest, youngest time.Time // created_at; zero without rows
}

// policy says which rows may go.
type policy struct {
	keep time.Duration
	// since is when the relay began: what was created before may not be in Kafka.
	since time.Time
}

// judge decides from created_at whether the rows of a partition may go, as far as their age is concerned; nil: they may.
func (p policy) judge(r rows, partition string, now time.Time) *kept {
	keepFor := min(p.keep, longestKeep)
	switch {
	case r.count == 0: // of transactions that were rolled back there may still be pages
		return nil
	case r.oldest.Before(p.since):
		return keep(keptBefore, "a row was created at %s, before this relay began (%s), so it may not be in Kafka; "+
			"if nobody needs those rows: TRUNCATE ONLY %s", stamp(r.oldest), stamp(p.since), partition)
	case r.youngest.After(now):
		k := keep(keptFuture, "a row has created_at %s, which has not come yet", stamp(r.youngest))
		k.again = r.youngest.Add(keepFor)
		return k
	case now.Sub(r.youngest) < keepFor:
		k := keep(keptYoung, "a row was created at %s", stamp(r.youngest))
		k.again = r.youngest.Add(keepFor)
		return k
	}
	return nil
}

// stamp is a time as logs have it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
