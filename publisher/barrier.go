package publisher

// Barrier is the small record that a session commits right after fencing. What was committed before it is all there
// is, so the last checkpoint before it is the relay's; it also tells a look from outside who was here last.
type Barrier struct {
	Identity
	Timeline uint32 `json:"timeline"` // of the Postgres server that the session is connected to
	Epoch    int16  `json:"epoch"`    // of the producer; set by Producer.Barrier
	Writer
}
