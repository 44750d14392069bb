package publisher

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
)

// Client is a set of connections to a Kafka cluster. Its methods may be called from several goroutines.
type Client struct {
	cfg           Config
	partition     partitioner
	control, data *sarama.Config // for calls that are answered at once; for produce and fetch
	proto         protocol
	clusterID     string

	topics atomic.Pointer[map[string]*topic] // replaced, never changed
	spread atomic.Uint32                     // counts plans, to spread records without a key

	refresh sync.Mutex // one look at the topics at a time

	life context.Context // ends with Close
	end  context.CancelCauseFunc
	wait sync.WaitGroup // goroutines of the client and its producers

	mu         sync.Mutex // guards what follows
	closed     bool
	conns      map[*conn]struct{}
	any        *conn            // for questions that every broker can answer
	slow       map[int32]*conn  // one per broker, for reading and administration
	brokers    map[int32]string // address by broker id
	controller int32
}

// Connect reaches the cluster through the bootstrap brokers. The checkpoint topic need not exist.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:       cfg,
		partition: newPartitioner(cfg.Partitioner),
		control:   newSaramaConfig(&cfg, controlTimeout),
		data:      newSaramaConfig(&cfg, produceTimeout+controlTimeout),
		proto:     protocol{cfg.Protocol},
		conns:     map[*conn]struct{}{},
		slow:      map[int32]*conn{},
		brokers:   map[int32]string{},
	}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.topics.Store(&map[string]*topic{})
	answer, err := c.lookUp(ctx, []string{cfg.CheckpointTopic})
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	c.clusterID = answer.clusterID
	return c, nil
}

// ClusterID is the id of the Kafka cluster.
func (c *Client) ClusterID() string { return c.clusterID }

var errClosed = fmt.Errorf("client is closed: %w", net.ErrClosed)

// Close closes all connections, those of its producers too, and so ends every call on them. It waits for the client's
// own goroutines and for no broker. The error is always nil.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	conns := c.conns
	c.conns = nil
	c.mu.Unlock()
	c.end(errClosed)
	for conn := range conns {
		conn.kill()
	}
	c.wait.Wait()
	for conn := range conns {
		conn.close()
	}
	return nil
}

// background runs f in a goroutine that Close waits for; false when the client is closed.
func (c *Client) background(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wait.Go(f)
	return true
}

// dial opens a connection that Close closes.
func (c *Client) dial(cfg *sarama.Config, addr string) (*conn, error) {
	conn, err := dial(cfg, addr)
	if err != nil {
		return nil, err
	}
	if !c.keep(conn) {
		conn.close()
		return nil, fmt.Errorf("connect to broker %s: %w", addr, errClosed)
	}
	return conn, nil
}

// keep puts a connection among those that Close closes; false when that was done already.
func (c *Client) keep(conn *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns[conn] = struct{}{}
	return true
}

// drop closes a connection that is no longer wanted.
func (c *Client) drop(conn *conn) {
	c.mu.Lock()
	delete(c.conns, conn)
	c.mu.Unlock()
	conn.close()
}

// addresses of all brokers that are known: those of the metadata first, then the bootstrap ones.
func (c *Client) addresses() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	var addrs []string
	for _, addr := range c.brokers {
		seen[addr] = true
		addrs = append(addrs, addr)
	}
	for _, addr := range c.cfg.Brokers {
		if !seen[addr] {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// anyBroker asks a question that every broker can answer and that is harmless to ask twice.
func anyBroker[T any](ctx context.Context, c *Client, what string, ask func(*sarama.Broker) (T, error)) (T, error) {
	c.mu.Lock()
	known := c.any
	c.mu.Unlock()
	if known != nil {
		answer, err := call(ctx, known, what, func() (T, error) { return ask(known.Broker) })
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
		c.mu.Lock()
		if c.any == known {
			c.any = nil
		}
		c.mu.Unlock()
		c.drop(known)
	}
	answer, winner, err := race(ctx, c, c.addresses(), func(ctx context.Context, conn *conn) (T, error) {
		return call(ctx, conn, what, func() (T, error) { return ask(conn.Broker) })
	})
	if err != nil {
		return answer, err
	}
	c.mu.Lock()
	spare := c.any
	c.any = winner
	c.mu.Unlock()
	if spare != nil {
		c.drop(spare)
	}
	return answer, nil
}

// address of a broker, by id.
func (c *Client) address(id int32) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addr, ok := c.brokers[id]
	if !ok {
		return "", fmt.Errorf("look up broker %d: not in the cluster's metadata", id)
	}
	return addr, nil
}

// connTo is the connection to one broker for reading and administration, with a long time-out.
func (c *Client) connTo(id int32) (*conn, error) {
	addr, err := c.address(id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	known := c.slow[id]
	c.mu.Unlock()
	if known != nil && known.addr == addr && known.fresh() {
		return known, nil
	}
	if known != nil {
		c.drop(known)
	}
	conn, err := c.dial(c.data, addr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.slow[id] = conn
	c.mu.Unlock()
	return conn, nil
}
