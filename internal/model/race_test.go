//go:build race

package model

// raceDetector slows the walks down tenfold, and there is nothing for it to find: they are one goroutine.
const raceDetector = true
