package replication

import "time"

// Pacing: the server's walsender makes one send() a message, and what that costs it depends on whether it wakes a
// reader. A reader asleep in read() is woken per message, which is half of the walsender's time and nearly all of ours.
// So while much arrives, the reader asks to be woken for bulkBytes at a time (SO_RCVLOWAT), or after bulkWait.
const (
	bulkBytes  = 64 << 10
	bulkEnter  = 16 << 10             // bytes that make it bulk when they come within a millisecond: 30,000 small events a second
	bulkWindow = time.Millisecond     // in which they must come
	bulkWait   = 5 * time.Millisecond // how long a reader in bulk waits for less than bulkBytes
	bulkStay   = 48 << 10             // bytes that keep it bulk when they come within bulkWait
	bulkLeave  = 2                    // windows in a row that were not full and end it
)

// pacer decides from what each read brought whether to read in bulk. It is pure: the clock is handed in.
type pacer struct {
	bulk   bool
	start  time.Time // of the window
	bytes  int       // in the window
	sparse int       // windows in a row that were not full
}

// observe takes in one read of n bytes that returned now (0 when bulkWait passed) and tells whether bulk has changed.
func (p *pacer) observe(now time.Time, n int) bool {
	was := p.bulk
	if p.start.IsZero() {
		p.start = now
	}
	p.bytes += n
	elapsed := now.Sub(p.start)
	enough, within := p.window()
	full := p.bytes >= enough
	if !full && elapsed < within {
		return false
	}
	switch {
	case full && (elapsed <= within || p.bulk):
		p.bulk, p.sparse = true, 0
	case p.bulk:
		p.sparse++
		p.bulk = p.sparse < bulkLeave
	}
	p.start, p.bytes = now, 0
	return p.bulk != was
}

// window is how many bytes make a window full, and how long it lasts. A steady flow begins it. Less keeps it: a machine
// that is short of processors has many pauses of a millisecond or two although much is waiting, and needs bulk most.
func (p *pacer) window() (enough int, within time.Duration) {
	if p.bulk {
		return bulkStay, bulkWait
	}
	return bulkEnter, bulkWindow
}
