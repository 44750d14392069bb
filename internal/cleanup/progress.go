package cleanup

import "github.com/outbox-relay/relay/outbox"

type lsn = outbox.LSN

// Progress is the durable checkpoint of the session.
type Progress struct {
	// Durable gives its resume LSN: everything that committed before it is decided and in Kafka.
	Durable func() outbox.LSN
	// Hurry asks for a checkpoint soon even if there is nothing to publish.
	Hurry func()
}

// reaches asks whether the checkpoint has reached end, and for another one if it has not.
func (p Progress) reaches(end outbox.LSN) func() (bool, error) {
	return func() (bool, error) {
		if p.Durable() >= end {
			return true, nil
		}
		p.Hurry()
		return false, nil
	}
}
