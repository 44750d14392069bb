package status

import (
	"context"
	"time"
)

const (
	// SampleEvery is how often Watch takes a sample.
	SampleEvery = 10 * time.Second
	// keptSamples make an hour.
	keptSamples = int(time.Hour / SampleEvery)
)

// Sample is what one interval was like.
type Sample struct {
	At              time.Time
	Lag             time.Duration // the worst of the interval
	EventsPerSecond float64
	CommitP50       time.Duration // of the newest Kafka transactions of the interval; 0: none
	CommitP99       time.Duration
	Retained        uint64 // WAL that the server keeps for the slot
	Limit           uint64 // how much it may keep before the slot is lost; 0: no limit, or not known
	TransactionRate float64
}

// history is the samples of the last hour in a ring, and what the next one needs.
type history struct {
	ring   [keptSamples]Sample
	taken  int // ever
	worst  time.Duration
	before struct {
		at            time.Time
		events, kafka uint64
		commits       uint64
	}
}

func (h *history) begin(now time.Time) { h.before.at = now }

// late notes how late an event was published.
func (h *history) late(by time.Duration) { h.worst = max(h.worst, by) }

func (h *history) add(s Sample) {
	h.ring[h.taken%keptSamples] = s
	h.taken++
}

// samples are those kept, oldest first.
func (h *history) samples() []Sample {
	n := min(h.taken, keptSamples)
	list := make([]Sample, 0, n)
	for i := h.taken - n; i < h.taken; i++ {
		list = append(list, h.ring[i%keptSamples])
	}
	return list
}

// Watch takes samples until ctx ends.
func (t *Tracker) Watch(ctx context.Context) {
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.Sample()
		case <-ctx.Done():
			return
		}
	}
}

// Sample adds what happened since the last one to the history.
func (t *Tracker) Sample() {
	lag := t.snapshot().lag()
	t.mu.Lock()
	defer t.mu.Unlock()
	h, now := &t.history, t.now()
	s := Sample{At: now, Lag: max(lag, h.worst), Retained: t.slot.retained(), Limit: t.slot.limit()}
	if seconds := now.Sub(h.before.at).Seconds(); seconds > 0 {
		s.EventsPerSecond = float64(t.totals.events-h.before.events) / seconds
		s.TransactionRate = float64(t.totals.kafka-h.before.kafka) / seconds
	}
	s.CommitP50, s.CommitP99, _ = t.commits.quantiles(h.before.commits)
	h.add(s)
	h.worst = 0
	h.before.at, h.before.events, h.before.kafka, h.before.commits = now, t.totals.events, t.totals.kafka, t.commits.total
}

// History is the last hour in samples, oldest first.
func (t *Tracker) History() []Sample {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.history.samples()
}
