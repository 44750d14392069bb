package publisher

import (
	"context"
	"errors"

	"github.com/outbox-relay/relay/outbox"
)

var errTODO = errors.New("not yet")

// Client is a set of connections to a Kafka cluster. Close it to release them.
type Client struct {
	cfg Config
}

// Connect reaches the cluster through the first broker that answers.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg}, errTODO
}

// Close closes all connections, those of its producers too.
func (c *Client) Close() error { return nil }

// ClusterID is the id of the Kafka cluster.
func (c *Client) ClusterID() string { return "" }

// CheckpointTopicID is the id of the checkpoint topic as Kafka's tools print it, or ErrNoTopic.
func (c *Client) CheckpointTopicID(ctx context.Context) (string, error) { return "", errTODO }

// Look reads the newest committed barrier and checkpoint without fencing anybody. ErrNoTopic when the checkpoint topic
// does not exist.
func (c *Client) Look(ctx context.Context) (Look, error) { return Look{}, errTODO }

// Facts looks at what the guard wants to know.
func (c *Client) Facts(ctx context.Context, r FactsRequest) (Facts, error) { return Facts{}, errTODO }

// CreateInternalTopics creates the checkpoint and parked topics; those that exist are left alone.
func (c *Client) CreateInternalTopics(ctx context.Context, t InternalTopics) (created []string, err error) {
	return nil, errTODO
}

// Plan decides the partition of every record of the batch. It may run while another transaction commits; the batch must
// not change afterwards. reuse may be a plan that is no longer needed.
func (c *Client) Plan(ctx context.Context, batch *outbox.Batch, reuse *Plan) (*Plan, error) {
	return nil, errTODO
}

// Fence makes every older producer of this transactional id powerless. stillOurs is asked before each try, for a relay
// that has lost its slot must not fence the one that has it.
func (c *Client) Fence(ctx context.Context, stillOurs func(context.Context) error) (*Producer, error) {
	return nil, errTODO
}
