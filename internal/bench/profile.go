package bench

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// Profile begins a CPU profile of this process. The function it returns ends it and writes what was allocated, too: to
// path.cpu and path.allocs, for `go tool pprof`. An empty path profiles nothing.
func Profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(path + ".cpu")
	if err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, fmt.Errorf("start profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := cpu.Close(); err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		allocs, err := os.Create(path + ".allocs")
		if err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		defer allocs.Close()
		if err := pprof.Lookup("allocs").WriteTo(allocs, 0); err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		return nil
	}, nil
}
