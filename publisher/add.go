package publisher

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"
)

// add adds the partitions of a plan, of own records and of the checkpoint to the transaction.
func (p *Producer) add(ctx context.Context, who identity, plan *Plan, own ...ownLane) error {
	partitions := map[string][]int32{p.checkpoint.name: {p.c.cfg.CheckpointPartition()}}
	count := 1
	if plan != nil {
		count += len(plan.lanes)
		for _, l := range plan.lanes {
			partitions[l.topic.name] = append(partitions[l.topic.name], l.partition)
		}
	}
	for _, l := range own {
		partitions[l.topic.name] = append(partitions[l.topic.name], l.partition)
		count++
	}
	err := p.addPartitions(ctx, who, plan, partitions)
	if p.c.proto.on() {
		p.c.proto.write(actionAdd, slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch)),
			slog.Int("topics", len(partitions)), slog.Int("partitions", count), slog.String(keyAnswer, answerOf(err)))
	}
	return err
}

func (p *Producer) addPartitions(ctx context.Context, who identity, plan *Plan, partitions map[string][]int32) error {
	for wait := shortPause(); ; {
		answer, err := call(ctx, p.coordinator, string(apiAdd), func() (*sarama.AddPartitionsToTxnResponse, error) {
			return p.coordinator.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
				Version: 3, TransactionalID: p.txnID, ProducerID: who.producerID, ProducerEpoch: who.epoch,
				TopicPartitions: partitions,
			})
		})
		if err != nil {
			return err
		}
		topic, code, err := worst(answer, partitions)
		if err != nil {
			return err
		}
		switch classify(apiAdd, code) {
		case fine:
			return nil
		case again:
			if err := wait.next(ctx); err != nil {
				return fmt.Errorf("%w: %w", refusal(apiAdd, code), err)
			}
		case badEvent:
			return p.badTopic(plan, topic, code)
		case denied:
			return p.c.needWrite(code)
		default:
			return refusal(apiAdd, code)
		}
	}
}

// worst finds the answer that decides. When one partition is refused for a reason, all the others answer
// OPERATION_NOT_ATTEMPTED; otherwise all answer the same.
func worst(answer *sarama.AddPartitionsToTxnResponse, asked map[string][]int32) (topic string, code sarama.KError, err error) {
	for name, partitions := range asked {
		if len(answer.Errors[name]) != len(partitions) {
			return "", 0, fmt.Errorf("%s: broker does not answer for %s", apiAdd, name)
		}
		for _, a := range answer.Errors[name] {
			if a.Err != sarama.ErrNoError && (code == sarama.ErrNoError || code == sarama.ErrOperationNotAttempted) {
				topic, code = name, a.Err
			}
		}
	}
	return topic, code, nil
}

func (p *Producer) badTopic(plan *Plan, topic string, code sarama.KError) error {
	if topic == p.checkpoint.name {
		return fmt.Errorf("add checkpoint partition: %w", refusal(apiAdd, code))
	}
	if topic == p.c.cfg.ParkedTopic {
		return &OwnError{Record: -1, Topic: topic, Reason: refusedTopic(code), Err: code}
	}
	return plan.bad(topic, causeOf(code), refusedTopic(code), code)
}
