package publisher

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"
)

// commit ends the transaction. The call is sent once; only the two answers that say "not yet" are asked again.
func (p *Producer) commit(ctx context.Context, who identity, j *job) error {
	for wait := shortPause(); ; {
		p.logEnd(sent, who, j, nil)
		answer, err := call(ctx, p.coordinator, string(apiEnd), func() (*sarama.EndTxnResponse, error) {
			return p.coordinator.EndTxn(&sarama.EndTxnRequest{
				Version: 3, TransactionalID: p.txnID, ProducerID: who.producerID, ProducerEpoch: who.epoch, TransactionResult: true,
			})
		})
		if err == nil && answer.Err != sarama.ErrNoError {
			err = refusal(apiEnd, answer.Err)
		}
		p.logEnd(answered, who, j, err)
		switch {
		case err == nil:
			return nil
		case answer == nil || classify(apiEnd, answer.Err) != again:
			return err
		}
		if late := wait.next(ctx); late != nil {
			return fmt.Errorf("%w: %w", err, late)
		}
	}
}

func (p *Producer) logEnd(state string, who identity, j *job, err error) {
	if !p.c.proto.on() {
		return
	}
	attrs := []slog.Attr{slog.String(keyState, state), slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch))}
	if state == answered {
		attrs = append(attrs, slog.String(keyAnswer, answerOf(err)))
	}
	p.c.proto.write(actionEnd, append(attrs, j.about...)...)
}
