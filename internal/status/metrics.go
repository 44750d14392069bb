package status

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// histograms are the distributions; everything else is read from a snapshot when it is asked for.
type histograms struct {
	commit, latency, batch, recovery prometheus.Histogram
}

func newHistograms(relay string) histograms {
	h := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "relay", Name: name, Help: help, Buckets: buckets, ConstLabels: prometheus.Labels{"relay": relay},
		})
	}
	return histograms{
		commit: h("commit_duration_seconds", "Time of one Kafka transaction.",
			[]float64{.001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 4, 8, 16}),
		latency: h("end_to_end_latency_seconds", "Time from the commit in Postgres to the commit in Kafka, of the oldest event of each Kafka transaction.",
			[]float64{.001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 4, 16, 60, 300, 1800, 7200}),
		batch: h("batch_events", "Events in one Kafka transaction that has any.",
			prometheus.ExponentialBuckets(1, 4, 10)),
		recovery: h("recovery_duration_seconds", "Time from the start of a session until it streams.",
			[]float64{.05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 30, 60}),
	}
}

func (h *histograms) observe(c Commit, now time.Time) {
	h.commit.Observe(c.Duration.Seconds())
	if c.Events > 0 {
		h.batch.Observe(float64(c.Events))
	}
	if c.CommitTime != 0 {
		h.latency.Observe(max(0, now.Sub(time.UnixMicro(c.CommitTime)).Seconds()))
	}
}

// newRegistry is a registry of the relay's own metrics and those of Go and the process.
func newRegistry(t *Tracker) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(t), t.histograms.commit, t.histograms.latency, t.histograms.batch, t.histograms.recovery,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// collector turns a snapshot into metrics.
type collector struct {
	tracker *Tracker
	metrics []metric
}

// metric is one family: values calls emit once for each of its series.
type metric struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func(s *snapshot, emit func(value float64, labels ...string))
}

// Describe names all metrics.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
}

// Collect gives the values of one moment.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.tracker.snapshot()
	for _, m := range c.metrics {
		m.values(s, func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
		})
	}
}

// seconds is a time as Prometheus has it; zero for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
