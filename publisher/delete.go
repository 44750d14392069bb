package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// DeleteOwnTopic deletes the checkpoint or parked topic of this relay, with all that is in it, and waits until the cluster
// does not know it any more. It tells whether there was one. Other topics are refused: they belong to other people.
func (c *Client) DeleteOwnTopic(ctx context.Context, name string) (existed bool, err error) {
	if name == "" || name != c.cfg.CheckpointTopic && name != c.cfg.ParkedTopic {
		return false, fmt.Errorf("delete topic %q: it is no topic of Relay's own", name)
	}
	c.mu.Lock()
	controller := c.controller
	c.mu.Unlock()
	conn, err := c.connTo(controller)
	if err != nil {
		return false, err
	}
	answer, err := call(ctx, conn, "delete topic", func() (*sarama.DeleteTopicsResponse, error) {
		return conn.DeleteTopics(&sarama.DeleteTopicsRequest{Version: 5, Topics: []string{name}, Timeout: produceTimeout})
	})
	if err != nil {
		return false, err
	}
	switch code := answer.TopicErrorCodes[name]; code {
	case sarama.ErrNoError:
		return true, c.awaitGone(ctx, name)
	case sarama.ErrUnknownTopicOrPartition:
		return false, nil
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed:
		return false, &AuthorizationError{ACL: "Delete on Topic " + name, Err: code}
	default:
		return false, fmt.Errorf("delete topic %s: %w", name, code)
	}
}

// awaitGone waits for the brokers' metadata: the controller answers before they know.
func (c *Client) awaitGone(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	for wait := newPause(5*time.Millisecond, fetchWait); ; {
		found, err := c.lookUp(ctx, []string{name})
		if err != nil {
			return err
		}
		if found.refused[name] == sarama.ErrUnknownTopicOrPartition {
			return nil
		}
		if err := wait.next(ctx); err != nil {
			return fmt.Errorf("delete topic %s: it is still there: %w", name, err)
		}
	}
}
