//go:build race

package outbox

// raceDetector: sync.Pool, which regexp uses, forgets at random then, so that races show.
const raceDetector = true
