package status

import "time"

// recentWindow is what rates are told of.
const recentWindow = time.Minute

// RecentView is how fast the relay has been lately.
type RecentView struct {
	Seconds         float64  `json:"window_seconds"` // that the rates are of; 0: not known yet
	EventsPerSecond float64  `json:"events_per_second"`
	Transactions    float64  `json:"kafka_transactions_per_second"`
	CommitP50       *float64 `json:"commit_p50_seconds"` // of the newest Kafka transactions; null: none yet
	CommitP99       *float64 `json:"commit_p99_seconds"`
}

// recent takes the rates from the samples of the last minute. It wants the lock.
func (t *Tracker) recent() (v RecentView) {
	n := min(t.history.taken, int(recentWindow/SampleEvery))
	for i := range n {
		s := &t.history.ring[(t.history.taken-1-i)%keptSamples]
		v.EventsPerSecond += s.EventsPerSecond / float64(n)
		v.Transactions += s.TransactionRate / float64(n)
	}
	v.Seconds = float64(n) * SampleEvery.Seconds()
	if p50, p99, ok := t.commits.quantiles(0); ok {
		a, b := p50.Seconds(), p99.Seconds()
		v.CommitP50, v.CommitP99 = &a, &b
	}
	return v
}
