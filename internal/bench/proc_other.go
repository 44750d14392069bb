//go:build !linux

package bench

import "time"

func peakRSS() int64            { return maxRSS() }
func residentOf(_ int) int64    { return 0 }
func cpuOf(_ int) time.Duration { return 0 }
func freeBytes(_ string) int64  { return 0 }
