package publisher

import (
	"errors"
	"fmt"
)

// Errors that decide what a caller does. Every other error of this package is doubt: throw the session away and begin
// again.
var (
	// ErrFenced is wrapped by errors that say this producer's epoch is no longer current: another instance has fenced it,
	// or its own transaction expired; the broker uses the same codes for both. Back off longer than a start-up takes.
	ErrFenced = errors.New("producer is fenced")
	// ErrBarrierUnseen: the barrier was acknowledged as committed but cannot be read back in time: the topic was
	// recreated, or another producer's transaction is open on the partition and holds back the last stable offset.
	ErrBarrierUnseen = errors.New("barrier is not visible to a read_committed reader")
	// ErrLogTruncated: no checkpoint was found and the log does not begin at offset 0, so "none" cannot be believed.
	ErrLogTruncated = errors.New("beginning of the checkpoint log is gone")
	// ErrUndecodable is wrapped by errors about a checkpoint or barrier record that is damaged, of a newer version, or
	// not of Relay's making. It never means "none".
	ErrUndecodable = errors.New("record cannot be decoded")
	// ErrNoTopic: the topic does not exist.
	ErrNoTopic = errors.New("topic does not exist")
	// ErrNoPartition: the topic has fewer partitions.
	ErrNoPartition = errors.New("partition does not exist")
)

// Cause is a stable word for why Kafka does not take a record.
type Cause string

// The causes.
const (
	CauseTooLarge       Cause = "too_large"
	CauseUnknownTopic   Cause = "unknown_topic"
	CauseBadTopic       Cause = "bad_topic"
	CauseForbiddenTopic Cause = "forbidden_topic"
	CauseNotAuthorised  Cause = "not_authorised"
	CauseTimestamp      Cause = "invalid_timestamp"
	CausePartition      Cause = "no_such_partition"
	CauseInvalidRecord  Cause = "invalid_record"
)

// EventError says that Kafka will not take some records of a batch, while others may be fine.
type EventError struct {
	Records   []int // indexes in the batch, ascending
	Topic     string
	Partition int32 // -1 when the topic as a whole is concerned
	Cause     Cause
	Reason    string
	Err       error         // the broker's answer, nil when the refusal is our own
	Also      []*EventError // other records of the batch that were refused, for other reasons or elsewhere
}

// Error names the topic and the reason, never the content of a record.
func (e *EventError) Error() string {
	where := fmt.Sprintf("topic %q", e.Topic)
	if e.Partition >= 0 {
		where = fmt.Sprintf("topic %q partition %d", e.Topic, e.Partition)
	}
	return fmt.Sprintf("%s does not take the record: %s", where, e.Reason)
}

// Unwrap gives the broker's answer.
func (e *EventError) Unwrap() error { return e.Err }

// All gives the error itself and those beside it.
func (e *EventError) All() []*EventError { return append([]*EventError{e}, e.Also...) }

// joined makes one error of several; nil of none.
func joined(refused []*EventError) error {
	if len(refused) == 0 {
		return nil
	}
	first := *refused[0]
	first.Also = refused[1:]
	return &first
}

// OwnError says that Kafka does not take a record for one of Relay's own topics: an event that cannot be parked, above
// all.
type OwnError struct {
	Record int // index in Commit.Own; -1 when the topic as a whole is concerned
	Topic  string
	Reason string
	Err    error // the broker's answer
}

// Error names the topic and the reason.
func (e *OwnError) Error() string {
	return fmt.Sprintf("topic %q does not take Relay's own record: %s", e.Topic, e.Reason)
}

// Unwrap gives the broker's answer.
func (e *OwnError) Unwrap() error { return e.Err }

// ForeignRecordError says that somebody else writes to our checkpoint partition.
type ForeignRecordError struct {
	Topic     string
	Partition int32
	Offset    int64
	What      string // "key ..." or "relay ..."
}

// Error says where the record lies.
func (e *ForeignRecordError) Error() string {
	return fmt.Sprintf("foreign record in %s partition %d offset %d: %s", e.Topic, e.Partition, e.Offset, e.What)
}

// OffsetError says that Kafka acknowledged a record at an offset it had given away before: the log lost its tail. The
// transaction is not committed.
type OffsetError struct {
	Topic     string
	Partition int32
	Got       int64 // acknowledged now
	Known     int64 // last offset known to be ours
}

// Error names both offsets.
func (e *OffsetError) Error() string {
	return fmt.Sprintf("%s partition %d acknowledged offset %d, but offset %d was already ours: Kafka lost records",
		e.Topic, e.Partition, e.Got, e.Known)
}

// AuthorizationError names the right that is missing.
type AuthorizationError struct {
	ACL string // for people, as in "Write on TransactionalId relay-payments"
	Err error
}

// Error names the right.
func (e *AuthorizationError) Error() string { return fmt.Sprintf("not authorised: need %s", e.ACL) }

// Unwrap gives the broker's answer.
func (e *AuthorizationError) Unwrap() error { return e.Err }
