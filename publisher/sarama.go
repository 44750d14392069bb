package publisher

import (
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
)

const (
	// controlTimeout bounds a call that a healthy broker answers at once. With sarama's default of 30 s a hung
	// coordinator costs a minute and a half before anybody looks for another one.
	controlTimeout = 2 * time.Second
	dialTimeout    = 2 * time.Second
	// produceTimeout bounds the wait for the in-sync replicas; the broker answers REQUEST_TIMED_OUT after it.
	produceTimeout = 10 * time.Second

	// maxInFlight requests on one connection. A broker keeps the last five batches of a producer and partition.
	maxInFlight = 5
)

// newSaramaConfig is the one place that says how we talk to brokers. timeout is for one write and for one answer.
//
// V3_9_0_0 makes sarama speak the first transaction protocol (EndTxn v3, AddPartitionsToTxn v3, InitProducerID v4,
// Produce v10) to every broker: its EndTxn v5 does not decode the answer.
func newSaramaConfig(cfg *Config, timeout time.Duration) *sarama.Config {
	s := sarama.NewConfig()
	s.Version = sarama.V3_9_0_0
	s.ClientID = cfg.TransactionalID()
	s.MetricRegistry = noMetrics{}
	s.Net.DialTimeout = dialTimeout
	s.Net.ReadTimeout = timeout
	s.Net.WriteTimeout = timeout
	s.Net.MaxOpenRequests = maxInFlight
	s.Metadata.AllowAutoTopicCreation = false
	return s
}

func codec(compression string) sarama.CompressionCodec {
	switch compression {
	case "gzip":
		return sarama.CompressionGZIP
	case "snappy":
		return sarama.CompressionSnappy
	case "lz4":
		return sarama.CompressionLZ4
	case "zstd":
		return sarama.CompressionZSTD
	}
	return sarama.CompressionNone
}

// noMetrics is a registry that keeps nothing: sarama's meters would cost a goroutine, a lock and a map entry for every
// request and topic, and nobody reads them.
type noMetrics struct{}

func (noMetrics) GetOrRegister(_ string, make any) any {
	switch make.(type) {
	case func() metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Counter:
		return metrics.NilCounter{}
	case func() metrics.Histogram:
		return metrics.NilHistogram{}
	}
	return make
}

func (noMetrics) Each(func(string, any))            {}
func (noMetrics) Get(string) any                    { return nil }
func (noMetrics) GetAll() map[string]map[string]any { return nil }
func (noMetrics) Register(string, any) error        { return nil }
func (noMetrics) RunHealthchecks()                  {}
func (noMetrics) Unregister(string)                 {}
func (noMetrics) UnregisterAll()                    {}
