package publisher

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// newEncoder makes a connection to nowhere. sarama compresses a batch when it is first encoded, on the goroutine that
// calls AsyncProduce and under the broker's lock, and keeps the result in the batch. So a batch that was "sent" to
// nowhere on any goroutine costs the real connection no more than a copy: compression runs in parallel although all
// batches for a leader go over one connection. Should sarama cease to keep the result, this is slower and still right.
func newEncoder(cfg *sarama.Config) (*conn, error) {
	own := *cfg
	own.ApiVersionsRequest = false
	c := &conn{addr: "nowhere"}
	c.dialing, c.abandon = context.WithCancelCause(context.Background())
	return c, c.open(&own, nowhere{})
}

// encode compresses the batches of a request.
func (c *conn) encode(r *sarama.ProduceRequest) error {
	acks := r.RequiredAcks
	r.RequiredAcks = sarama.NoResponse
	err := c.AsyncProduce(r, nil)
	r.RequiredAcks = acks
	return err
}

// nowhere is a connection that takes everything and answers nothing.
type nowhere struct{}

func (nowhere) Dial(string, string) (net.Conn, error) { return nowhere{}, nil }
func (nowhere) Write(p []byte) (int, error)           { return len(p), nil }
func (nowhere) Read([]byte) (int, error)              { return 0, io.EOF }
func (nowhere) Close() error                          { return nil }
func (nowhere) LocalAddr() net.Addr                   { return &net.TCPAddr{} }
func (nowhere) RemoteAddr() net.Addr                  { return &net.TCPAddr{} }
func (nowhere) SetDeadline(time.Time) error           { return nil }
func (nowhere) SetReadDeadline(time.Time) error       { return nil }
func (nowhere) SetWriteDeadline(time.Time) error      { return nil }
