//go:build !linux

package bench

func peakRSS() int64         { return maxRSS() }
func residentOf(_ int) int64 { return 0 }
