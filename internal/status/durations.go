package status

import (
	"slices"
	"time"
)

// keptDurations is how many durations of Kafka transactions are kept, to tell quantiles of the newest.
const keptDurations = 512

// durations keeps the newest ones in a ring.
type durations struct {
	ring  [keptDurations]time.Duration
	total uint64 // ever added; the newest is ring[(total-1)%keptDurations]
}

func (d *durations) add(t time.Duration) {
	d.ring[d.total%keptDurations] = t
	d.total++
}

// quantiles of those that were added since total was that, as far as they are kept; ok says that there are any.
func (d *durations) quantiles(since uint64) (p50, p99 time.Duration, ok bool) {
	n := int(min(d.total-since, keptDurations))
	if n == 0 {
		return 0, 0, false
	}
	newest := make([]time.Duration, n)
	for i := range newest {
		newest[i] = d.ring[(d.total-uint64(n-i))%keptDurations]
	}
	slices.Sort(newest)
	return newest[(n-1)/2], newest[(n-1)*99/100], true
}
