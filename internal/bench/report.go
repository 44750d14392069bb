package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// report is what a measured process says of itself when it has done its work.
type report struct {
	Events            uint64    `json:"events"`
	KafkaTransactions uint64    `json:"kafka_transactions"`
	First             time.Time `json:"first"` // when the first event was there
	Last              time.Time `json:"last"`  // when the last one was done with
	CPU               float64   `json:"cpu"`   // seconds between the two, user and system
	StartCPU          float64   `json:"start_cpu"`
	Mallocs           uint64    `json:"mallocs"` // heap objects allocated between the two
	PeakRSS           int64     `json:"peak_rss"`
}

// figures are those of the process between its first and its last event.
func (r report) seconds() float64         { return r.Last.Sub(r.First).Seconds() }
func (r report) eventsPerSecond() float64 { return ratio(float64(r.Events), r.seconds()) }
func (r report) cpuMicros() float64       { return ratio(r.CPU*1e6, float64(r.Events)) }
func (r report) mallocs() float64         { return ratio(float64(r.Mallocs), float64(r.Events)) }

func (r report) write(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}

func readReport(path string) (r report, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("read report: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}
