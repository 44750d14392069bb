//go:build unix && !linux

package bench

import (
	"runtime"
	"syscall"
)

// maxRSS is the peak that getrusage knows, in bytes: kibibytes everywhere but on macOS.
func maxRSS() int64 {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(use.Maxrss)
	}
	return int64(use.Maxrss) << 10
}
