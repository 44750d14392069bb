package publisher

import "context"

// Plan is a batch sorted by partition.
type Plan struct{}

// Producer publishes transactions, one at a time. After any error but a refused plan it is useless: close the client.
type Producer struct{}

// Barrier commits the barrier in a transaction of its own.
func (p *Producer) Barrier(ctx context.Context, b Barrier) error { return errTODO }

// ReadCheckpoint reads the last checkpoint that was committed before this producer's barrier. Nil, nil: there is none,
// and the log was read from its first offset.
func (p *Producer) ReadCheckpoint(ctx context.Context) (*Checkpoint, error) { return nil, errTODO }

// Announce says that the batch of this plan will be published next, whatever happens. Its partitions are then added to
// the next transaction as soon as the present one has committed, off the path of the events.
func (p *Producer) Announce(plan *Plan) {}

// Publish commits one Kafka transaction with the events and the checkpoint. It has committed if and only if the error
// is nil; any error is doubt about this transaction, an *EventError included: open a new session.
func (p *Producer) Publish(ctx context.Context, c Commit) (Result, error) {
	return Result{}, errTODO
}

// Epoch is the producer id and epoch of the next transaction.
func (p *Producer) Epoch() (producerID int64, epoch int16) { return 0, 0 }
