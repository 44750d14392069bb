package publisher

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// api is a call whose answer decides something.
type api string

const (
	apiFindCoordinator api = "find coordinator"
	apiInit            api = "init producer id"
	apiAdd             api = "add partitions"
	apiProduce         api = "produce"
	apiEnd             api = "end transaction"
	apiMetadata        api = "look up topic"
	apiFetch           api = "fetch"
	apiOffsets         api = "list offsets"
	apiCreate          api = "create topic"
)

// meaning of an answer. The zero value is doubt: an answer that nobody has thought about ends the session.
type meaning int8

const (
	doubt    meaning = iota // throw the session away
	fine                    // done
	again                   // definitely not done, ask the same again
	fenced                  // the epoch is not current
	badEvent                // these records cannot be published, others can
	tooLarge                // this batch, not necessarily its records
	denied                  // a right is missing
)

// classify is the only place that judges a broker's answer. Its reasons stand beside each branch.
func classify(call api, code sarama.KError) meaning {
	if code == sarama.ErrNoError {
		return fine
	}
	switch call {
	case apiFindCoordinator:
		return classifyFindCoordinator(code)
	case apiInit, apiAdd, apiEnd:
		return classifyCoordinator(call, code)
	case apiProduce:
		return classifyProduce(code)
	case apiMetadata:
		return classifyMetadata(code)
	case apiFetch, apiOffsets:
		return classifyRead(code)
	case apiCreate:
		return classifyCreate(code)
	}
	return doubt
}

func classifyFindCoordinator(code sarama.KError) meaning {
	switch code {
	case sarama.ErrConsumerCoordinatorNotAvailable:
		// A fresh cluster creates __transaction_state on this very question. Only asked for a name: nothing is in doubt.
		return again
	case sarama.ErrTransactionalIDAuthorizationFailed:
		return denied
	}
	return doubt
}

// classifyCoordinator judges the three calls that change a transaction's state.
func classifyCoordinator(call api, code sarama.KError) meaning {
	switch code {
	case sarama.ErrOffsetsLoadInProgress:
		// COORDINATOR_LOAD_IN_PROGRESS: refused before the coordinator looked at the transaction.
		return again
	case sarama.ErrConcurrentTransactions:
		// The markers of the transaction before are still being written; refused without a change of state.
		return again
	case sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer:
		// COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: the coordinator may have moved after it wrote our change to its log.
		return doubt
	case sarama.ErrUnknownTopicOrPartition, sarama.ErrTopicAuthorizationFailed:
		// Named for one partition; the others answer OPERATION_NOT_ATTEMPTED and nothing was added.
		if call == apiAdd {
			return badEvent
		}
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced:
		// Another instance, or our own transaction expired: the codes are the same.
		return fenced
	case sarama.ErrInvalidProducerIDMapping:
		// Idle for transactional.id.expiration.ms, or fenced across a wrap of the producer id.
		return fenced
	case sarama.ErrTransactionalIDAuthorizationFailed:
		return denied
	}
	return doubt
}

func classifyProduce(code sarama.KError) meaning {
	switch code {
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		// The limit is on the batch: its records may fit one by one. Nothing of it was appended.
		return tooLarge
	case sarama.ErrUnknownTopicOrPartition, sarama.ErrTopicAuthorizationFailed:
		// The topic was deleted, or the right withdrawn, since the partition was added.
		return badEvent
	case sarama.ErrInvalidTimestamp:
		// More than message.timestamp.after.max.ms (one hour) ahead, or before message.timestamp.before.max.ms.
		return badEvent
	case sarama.ErrInvalidRecord:
		// For instance a record without a key for a compacted topic; record_errors name it.
		return badEvent
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrInvalidProducerIDMapping:
		return fenced
	}
	// Among them: NOT_LEADER_OR_FOLLOWER and NOT_ENOUGH_REPLICAS (nothing appended), REQUEST_TIMED_OUT and
	// NOT_ENOUGH_REPLICAS_AFTER_APPEND (appended), INVALID_TXN_STATE, OUT_OF_ORDER_SEQUENCE_NUMBER. A produce is never
	// repeated, so it does not matter which.
	return doubt
}

func classifyMetadata(code sarama.KError) meaning {
	switch code {
	case sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed:
		return badEvent
	case sarama.ErrLeaderNotAvailable:
		// Just created, or an election is going on.
		return again
	}
	return doubt
}

// classifyCreate judges the creation of a topic that an event has named first.
func classifyCreate(code sarama.KError) meaning {
	switch code {
	case sarama.ErrTopicAlreadyExists:
		// Somebody else was quicker.
		return fine
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed:
		// The relay lacks the right to create: whoever has it may create this one.
		return badEvent
	case sarama.ErrInvalidTopic, sarama.ErrPolicyViolation:
		// The name is not one that this cluster allows.
		return badEvent
	case sarama.ErrInvalidPartitions, sarama.ErrInvalidReplicationFactor, sarama.ErrInvalidConfig, sarama.ErrInvalidRequest:
		// Not with these settings, as with fewer brokers than replicas; other topics may be there already.
		return badEvent
	}
	// Among them NOT_CONTROLLER, REQUEST_TIMED_OUT and THROTTLING_QUOTA_EXCEEDED: another time it may work.
	return doubt
}

func classifyRead(code sarama.KError) meaning {
	switch code {
	case sarama.ErrOffsetNotAvailable:
		// A new leader does not know its high watermark yet (KIP-207).
		return again
	case sarama.ErrTopicAuthorizationFailed:
		return denied
	}
	return doubt
}

// causeOf is the stable word for a refusal of records.
func causeOf(code sarama.KError) Cause {
	switch code {
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return CauseTooLarge
	case sarama.ErrUnknownTopicOrPartition:
		return CauseUnknownTopic
	case sarama.ErrInvalidTopic:
		return CauseBadTopic
	case sarama.ErrTopicAuthorizationFailed:
		return CauseNotAuthorised
	case sarama.ErrInvalidTimestamp:
		return CauseTimestamp
	}
	return CauseInvalidRecord
}

// concernsTopic tells whether a refusal holds for whatever is written to the topic.
func concernsTopic(code sarama.KError) bool {
	return code == sarama.ErrUnknownTopicOrPartition || code == sarama.ErrTopicAuthorizationFailed
}

// answerError is a broker's refusal.
type answerError struct {
	call api
	code sarama.KError
}

func (e *answerError) Error() string {
	return fmt.Sprintf("%s: broker answered %s", e.call, codeName(e.code))
}

func (e *answerError) Unwrap() error { return e.code }

// refusal makes an error of an answer that is not fine.
func refusal(call api, code sarama.KError) error {
	err := &answerError{call: call, code: code}
	if classify(call, code) == fenced {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}

// codeName is the name in Kafka's own documentation, with the number: people search for both.
func codeName(code sarama.KError) string {
	names := map[sarama.KError]string{
		-1: "UNKNOWN_SERVER_ERROR", 0: "NONE", 1: "OFFSET_OUT_OF_RANGE", 2: "CORRUPT_MESSAGE",
		3: "UNKNOWN_TOPIC_OR_PARTITION", 5: "LEADER_NOT_AVAILABLE", 6: "NOT_LEADER_OR_FOLLOWER", 7: "REQUEST_TIMED_OUT",
		9: "REPLICA_NOT_AVAILABLE", 10: "MESSAGE_TOO_LARGE", 14: "COORDINATOR_LOAD_IN_PROGRESS",
		15: "COORDINATOR_NOT_AVAILABLE", 16: "NOT_COORDINATOR", 17: "INVALID_TOPIC_EXCEPTION", 18: "RECORD_LIST_TOO_LARGE",
		19: "NOT_ENOUGH_REPLICAS", 20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", 29: "TOPIC_AUTHORIZATION_FAILED",
		31: "CLUSTER_AUTHORIZATION_FAILED", 32: "INVALID_TIMESTAMP", 35: "UNSUPPORTED_VERSION", 36: "TOPIC_ALREADY_EXISTS",
		37: "INVALID_PARTITIONS", 38: "INVALID_REPLICATION_FACTOR", 41: "NOT_CONTROLLER", 42: "INVALID_REQUEST",
		44: "POLICY_VIOLATION", 45: "OUT_OF_ORDER_SEQUENCE_NUMBER", 46: "DUPLICATE_SEQUENCE_NUMBER",
		47: "INVALID_PRODUCER_EPOCH", 48: "INVALID_TXN_STATE", 49: "INVALID_PRODUCER_ID_MAPPING",
		50: "INVALID_TRANSACTION_TIMEOUT", 51: "CONCURRENT_TRANSACTIONS", 52: "TRANSACTION_COORDINATOR_FENCED",
		53: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 55: "OPERATION_NOT_ATTEMPTED", 56: "KAFKA_STORAGE_ERROR",
		59: "UNKNOWN_PRODUCER_ID", 74: "FENCED_LEADER_EPOCH", 75: "UNKNOWN_LEADER_EPOCH", 76: "UNSUPPORTED_COMPRESSION_TYPE",
		78: "OFFSET_NOT_AVAILABLE", 87: "INVALID_RECORD", 89: "THROTTLING_QUOTA_EXCEEDED", 90: "PRODUCER_FENCED",
		120: "TRANSACTION_ABORTABLE",
	}
	if name, ok := names[code]; ok {
		return fmt.Sprintf("%s (%d)", name, int16(code))
	}
	return fmt.Sprintf("error code %d", int16(code))
}

// answerOf is what the protocol log says of a call's outcome.
func answerOf(err error) string {
	if err == nil {
		return codeName(sarama.ErrNoError)
	}
	if code, ok := errors.AsType[sarama.KError](err); ok {
		return codeName(code)
	}
	return err.Error()
}
