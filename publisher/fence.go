package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// coordinatorPatience is how long we ask for a coordinator. A fresh cluster makes __transaction_state first.
const coordinatorPatience = 20 * time.Second

// Fence makes every older producer of this transactional id powerless and aborts what it left open: InitProducerID with
// (-1, -1) raises the epoch. stillOurs is asked before each try, for a relay that has lost its slot must not shoot down
// the one that has it. After ErrFenced, or when a Producer ends with it, back off randomly and longer than a start-up
// takes.
func (c *Client) Fence(ctx context.Context, stillOurs func(context.Context) error) (*Producer, error) {
	checkpoint, err := c.checkpointTopic(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := c.findCoordinator(ctx)
	if err != nil {
		return nil, err
	}
	coordinator, err := c.dial(c.control, addr)
	if err != nil {
		return nil, err
	}
	who, err := c.newIdentity(ctx, coordinator, actionInit, identity{-1, -1}, stillOurs)
	if err != nil {
		c.drop(coordinator)
		return nil, err
	}
	p, err := newProducer(c, coordinator, checkpoint, who)
	if err != nil {
		return nil, err
	}
	if !c.background(p.tend) {
		return nil, fmt.Errorf("fence: client is closed")
	}
	return p, nil
}

func (c *Client) needWrite(code sarama.KError) error {
	return &AuthorizationError{ACL: "Write and Describe on TransactionalId " + c.cfg.TransactionalID(), Err: code}
}

// findCoordinator asks several brokers at once: one that hangs must not hold up recovery. sarama's own
// Client.TransactionCoordinator sleeps for two seconds when the first answer is COORDINATOR_NOT_AVAILABLE.
func (c *Client) findCoordinator(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, coordinatorPatience)
	defer cancel()
	type found struct {
		addr string
		code sarama.KError
	}
	ask := func(ctx context.Context, conn *conn) (found, error) {
		answer, err := call(ctx, conn, string(apiFindCoordinator), func() (*sarama.FindCoordinatorResponse, error) {
			return conn.FindCoordinator(&sarama.FindCoordinatorRequest{
				Version: 3, CoordinatorType: sarama.CoordinatorTransaction, CoordinatorKey: c.cfg.TransactionalID(),
			})
		})
		if err != nil {
			return found{}, err
		}
		if classify(apiFindCoordinator, answer.Err) != fine || answer.Coordinator == nil {
			return found{code: answer.Err}, nil
		}
		return found{addr: answer.Coordinator.Addr()}, nil
	}
	for wait := newPause(10*time.Millisecond, 500*time.Millisecond); ; {
		answer, winner, err := race(ctx, c, c.addresses(), ask)
		if err != nil {
			return "", err
		}
		c.drop(winner)
		switch classify(apiFindCoordinator, answer.code) {
		case fine:
			return answer.addr, nil
		case again:
			if err := wait.next(ctx); err != nil {
				return "", fmt.Errorf("%w: %w", refusal(apiFindCoordinator, answer.code), err)
			}
		case denied:
			return "", c.needWrite(answer.code)
		default:
			return "", refusal(apiFindCoordinator, answer.code)
		}
	}
}
