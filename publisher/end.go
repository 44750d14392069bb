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
		code, err := p.endTxn(ctx, who)
		p.logEnd(answered, who, j, err)
		if err == nil || classify(apiEnd, code) != again {
			return err
		}
		if late := wait.next(ctx); late != nil {
			return fmt.Errorf("%w: %w", err, late)
		}
	}
}

// endTxn commits. Silence and a broken connection give the code of an unknown error, which is doubt.
func (p *Producer) endTxn(ctx context.Context, who identity) (sarama.KError, error) {
	answer, err := call(ctx, p.coordinator, string(apiEnd), func() (*sarama.EndTxnResponse, error) {
		return p.coordinator.EndTxn(&sarama.EndTxnRequest{
			Version: 3, TransactionalID: p.txnID, ProducerID: who.producerID, ProducerEpoch: who.epoch, TransactionResult: true,
		})
	})
	if err != nil {
		return sarama.ErrUnknown, err
	}
	if answer.Err != sarama.ErrNoError {
		return answer.Err, refusal(apiEnd, answer.Err)
	}
	return sarama.ErrNoError, nil
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
