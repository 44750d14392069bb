package publisher

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Producer publishes transactions, one at a time. After any error of its methods it is useless: close the client and
// begin a new session.
type Producer struct {
	c           *Client
	coordinator *conn
	checkpoint  *topic
	txnID       string

	ctx  context.Context // ends with the producer; its cause is the first error
	end  context.CancelCauseFunc
	turn sync.Mutex // one transaction at a time; guards what follows

	ready     chan struct{} // closed when the work behind the last commit is done
	opened    opened
	lanes     []lane
	senders   map[int32]*sender // by leader
	packers   chan *packer
	ends      map[topicPartition]int64 // last offset of ours in each partition
	barrierAt int64                    // -1: none committed
	barrier   identity
	// ownBarriers are where the barrier lies in the other partitions that it was committed to.
	ownBarriers map[topicPartition]int64

	mu   sync.Mutex
	who  identity // of the next transaction
	next *Plan    // announced
}

// opened is what is known of the transaction that is open at the coordinator.
type opened struct {
	plan uint32    // whose partitions were added ahead
	at   time.Time // when the first partition was added; zero: not open
}

type topicPartition struct {
	topic     string
	partition int32
}

func newProducer(c *Client, coordinator *conn, checkpoint *topic, who identity) (*Producer, error) {
	p := &Producer{
		c:           c,
		coordinator: coordinator,
		checkpoint:  checkpoint,
		txnID:       c.cfg.TransactionalID(),
		ready:       make(chan struct{}),
		senders:     map[int32]*sender{},
		ends:        map[topicPartition]int64{},
		barrierAt:   -1,
		who:         who,
	}
	p.ctx, p.end = context.WithCancelCause(c.life)
	close(p.ready)
	p.packers = make(chan *packer, max(2, min(4, runtime.GOMAXPROCS(0))))
	for range cap(p.packers) {
		pack := newPacker()
		if codec(c.cfg.Compression) != sarama.CompressionNone {
			encoder, err := newEncoder(c.data)
			if err != nil {
				return nil, err
			}
			if !c.keep(encoder) {
				encoder.close()
				return nil, errClosed
			}
			pack.encoder = encoder
		}
		p.packers <- pack
	}
	return p, nil
}

// Done is closed when the producer has become useless, also while nothing is being published.
func (p *Producer) Done() <-chan struct{} { return p.ctx.Done() }

// Err is why the producer is useless, or nil.
func (p *Producer) Err() error { return context.Cause(p.ctx) }

// Epoch is the producer id and epoch of the next transaction.
func (p *Producer) Epoch() (producerID int64, epoch int16) {
	who := p.identity()
	return who.producerID, who.epoch
}

func (p *Producer) identity() identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.who
}

// fail makes the producer useless: whatever comes back late cannot be told from what comes back never.
func (p *Producer) fail(err error) error {
	p.end(err)
	p.coordinator.kill()
	return err
}

// merge gives a context that ends with ctx, with the producer, and at the deadline.
func (p *Producer) merge(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.ctx, func() { cancel(context.Cause(p.ctx)) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// identity is who produces.
type identity struct {
	producerID int64
	epoch      int16
}

// valid is whether one may produce as it: with an id or epoch below 0 a broker appends outside any transaction, even if
// the batch says transactional, and every reader sees it at once.
func (id identity) valid() bool { return id.producerID >= 0 && id.epoch >= 0 }

var errTooLong = errors.New("transaction was open for half of its time-out")
