package main

import (
	"runtime/debug"

	"github.com/outbox-relay/relay/internal/config"
)

const (
	// runtimeOverhead is what the process needs beside events in flight: stacks, buffers of connections, the garbage
	// between two collections. The program text, about 10 MiB, is not under the limit.
	runtimeOverhead = 8 << 20
	// overheadShare of a large budget is given to the collector, which would never rest otherwise.
	overheadShare = 8
)

// limitMemory keeps the process near the budget of the configuration. GOMEMLIMIT in the environment wins. The limit is
// soft: beyond it the collector works harder, nothing fails.
func limitMemory(budget config.Size, gomemlimit string) {
	if gomemlimit == "" {
		debug.SetMemoryLimit(memoryLimit(budget))
	}
}

func memoryLimit(budget config.Size) int64 {
	return int64(budget) + max(runtimeOverhead, int64(budget)/overheadShare)
}
