package bench

import (
	"runtime"
	"time"
)

// meter measures this process between two moments.
type meter struct {
	first   time.Time
	cpu     time.Duration
	mallocs uint64
}

// start notes the first moment.
func (m *meter) start() {
	m.mallocs = mallocs()
	m.cpu = cpuTime()
	m.first = time.Now()
}

// started tells whether start was called.
func (m *meter) started() bool { return !m.first.IsZero() }

// stop fills a report with what was used since start; its last moment is the caller's.
func (m *meter) stop(r *report) {
	r.First = m.first
	r.CPU = (cpuTime() - m.cpu).Seconds()
	r.StartCPU = m.cpu.Seconds()
	r.Mallocs = mallocs() - m.mallocs
	r.PeakRSS = peakRSS()
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}
