package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"
)

var errStillBusy = errors.New("coordinator has not finished the transaction before in time")

// newIdentity asks for a producer id and epoch, for fencing (as {-1, -1}) and for the next transaction (as the present
// one), until the coordinator has finished the transaction before. allowed is asked before each try.
func (c *Client) newIdentity(
	ctx context.Context, coordinator *conn, action string, as identity, allowed func(context.Context) error,
) (who identity, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.TransactionTimeout, errStillBusy)
	defer cancel()
	tries := 0
	defer func() {
		if tries > 0 {
			c.logIdentity(action, answered, who, slog.Int("tries", tries), slog.String(keyAnswer, answerOf(err)))
		}
	}()
	for wait := shortPause(); ; {
		if err := allowed(ctx); err != nil {
			return identity{-1, -1}, err
		}
		if tries++; tries == 1 {
			c.logIdentity(action, sent, as)
		}
		who, code, err := initProducerID(ctx, coordinator, &c.cfg, as)
		if err != nil {
			return identity{-1, -1}, err
		}
		switch classify(apiInit, code) {
		case fine:
			return who, nil
		case again:
			if late := wait.next(ctx); late != nil {
				return identity{-1, -1}, fmt.Errorf("%w: %w", refusal(apiInit, code), late)
			}
		case denied:
			return identity{-1, -1}, c.needWrite(code)
		default:
			return identity{-1, -1}, refusal(apiInit, code)
		}
	}
}

func initProducerID(ctx context.Context, coordinator *conn, cfg *Config, as identity) (identity, sarama.KError, error) {
	txnID := cfg.TransactionalID()
	answer, err := call(ctx, coordinator, string(apiInit), func() (*sarama.InitProducerIDResponse, error) {
		return coordinator.InitProducerID(&sarama.InitProducerIDRequest{
			Version:            4,
			TransactionalID:    &txnID,
			TransactionTimeout: cfg.TransactionTimeout,
			ProducerID:         as.producerID,
			ProducerEpoch:      as.epoch,
		})
	})
	if err != nil {
		return identity{}, sarama.ErrUnknown, err
	}
	who := identity{producerID: answer.ProducerID, epoch: answer.ProducerEpoch}
	if answer.Err == sarama.ErrNoError && !who.valid() {
		return who, sarama.ErrUnknown, fmt.Errorf("%s: broker gave producer id %d, epoch %d", apiInit, who.producerID, who.epoch)
	}
	return who, answer.Err, nil
}

func (c *Client) logIdentity(action, state string, who identity, more ...slog.Attr) {
	if c.proto.on() {
		c.proto.write(action, append([]slog.Attr{
			slog.String(keyState, state), slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch)),
		}, more...)...)
	}
}
