package publisher

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/net/proxy"
)

// conn is one connection of ours to one broker. sarama's calls take no context and hold a lock while they wait, so a
// call is ended by closing the socket under it: kill does that, from any goroutine, without the lock.
type conn struct {
	*sarama.Broker
	addr string

	dialing context.Context
	abandon context.CancelCauseFunc
	socket  atomic.Pointer[net.Conn]
	used    atomic.Int64 // Unix nanoseconds of the last answer, or of dialling
	broken  atomic.Bool  // a call failed
}

// dial begins to connect; the first call waits for it.
func dial(cfg *sarama.Config, addr string) (*conn, error) {
	c := &conn{addr: addr}
	c.used.Store(time.Now().UnixNano())
	c.dialing, c.abandon = context.WithCancelCause(context.Background())
	return c, c.open(cfg, c)
}

func (c *conn) open(cfg *sarama.Config, dialer proxy.Dialer) error {
	own := *cfg
	own.Net.Proxy.Enable = true
	own.Net.Proxy.Dialer = dialer
	c.Broker = sarama.NewBroker(c.addr)
	if err := c.Open(&own); err != nil {
		return fmt.Errorf("connect to broker %s: %w", c.addr, err)
	}
	return nil
}

// Dial is called by sarama.
func (c *conn) Dial(network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	s, err := d.DialContext(c.dialing, network, addr)
	if err != nil {
		return nil, err
	}
	c.socket.Store(&s)
	if c.dialing.Err() != nil { // killed between connecting and storing
		return nil, errors.Join(context.Cause(c.dialing), s.Close())
	}
	return s, nil
}

// kill ends whatever call is waiting on the connection and makes every later one fail.
func (c *conn) kill() {
	c.abandon(net.ErrClosed)
	if s := c.socket.Load(); s != nil {
		_ = (*s).Close()
	}
}

// close releases the connection; it does not wait for a broker.
func (c *conn) close() {
	c.kill()
	_ = c.Broker.Close() // "not connected" after a failed call, which has closed it already
}

// idle is how long ago the last answer came.
func (c *conn) idle() time.Duration { return time.Since(time.Unix(0, c.used.Load())) }

// maxIdle is how long a connection is trusted without use. Brokers close one after connections.max.idle.ms, ten minutes.
const maxIdle = time.Minute

func (c *conn) fresh() bool { return !c.broken.Load() && c.idle() < maxIdle }

// call runs one sarama call on a connection and ends it when ctx does. The connection is useless after an error.
func call[T any](ctx context.Context, c *conn, what string, f func() (T, error)) (T, error) {
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	answer, err := f()
	if err != nil {
		c.broken.Store(true)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return answer, fmt.Errorf("%s at broker %s: %w", what, c.addr, err)
	}
	c.used.Store(time.Now().UnixNano())
	return answer, nil
}
