package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

const (
	// requestBytes is about how much one Produce request carries. Larger ones cost memory, smaller ones calls.
	requestBytes = 1 << 20
	// maxBatchBytes keeps a batch in the order of a request where a topic allows more.
	maxBatchBytes = 1 << 20
	// minShare is the least that a partition gets of a request when many have something to send.
	minShare = 16 << 10
)

// work is what the senders of one transaction share.
type work struct {
	who     identity
	txnID   *string
	codec   sarama.CompressionCodec
	batch   *outbox.Batch // nil: the control record alone
	stamp   stamp
	packers chan *packer // their number bounds how many requests are being encoded and written at a time
}

// sender produces the lanes of one leader, over one connection, which keeps their order. There is never a second one: a
// broker that verifies a transaction for two connections at a time drops one of the two questions, and that batch is
// refused as NOT_ENOUGH_REPLICAS (AddPartitionsToTxnManager: same transactional id, same epoch).
type sender struct {
	conn     *conn
	lanes    []*lane // lanes[head:] have something to send, first come first served
	head     int
	packing  []*parcel // being compressed, to be sent in this order
	inFlight int
	answers  chan *parcel // as many as can be in flight, so that sarama's reader never waits
	spare    []*parcel
	bytes    int64
}

func newSender(c *conn) *sender {
	return &sender{conn: c, answers: make(chan *parcel, maxInFlight)}
}

func (s *sender) begin() { s.lanes, s.head, s.bytes = s.lanes[:0], 0, 0 }

func (s *sender) waiting() int { return len(s.lanes) - s.head }

func (s *sender) push(l *lane) {
	l.queued = true
	s.lanes = append(s.lanes, l)
}

// run sends everything and returns when the last batch is acknowledged. ctx kills the connection when it ends.
func (s *sender) run(ctx context.Context, w *work) error {
	stop := context.AfterFunc(ctx, s.conn.kill)
	defer stop()
	defer s.abandon(w)
	for {
		if err := s.fill(ctx, w); err != nil {
			return s.blame(ctx, err)
		}
		if s.inFlight == 0 && len(s.packing) == 0 {
			return nil
		}
		var packed <-chan struct{}
		if len(s.packing) > 0 {
			packed = s.packing[0].packed
		}
		var err error
		select {
		case <-packed:
			err = s.dispatch(w)
		case p := <-s.answers:
			s.inFlight--
			err = s.take(p)
			s.spare = append(s.spare, p)
		}
		if err != nil {
			return s.blame(ctx, err)
		}
	}
}

// blame prefers the reason why ctx ended to the broken connection that followed.
func (s *sender) blame(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("produce to broker %s: %w", s.conn.addr, cause)
	}
	return err
}

// fill begins as many requests as may be in flight, while there is something to send and a packer for it.
func (s *sender) fill(ctx context.Context, w *work) error {
	for s.inFlight+len(s.packing) < maxInFlight && s.waiting() > 0 {
		pack, err := s.packer(ctx, w)
		if pack == nil {
			return err
		}
		p := s.parcel()
		s.cut(p, w)
		if len(p.parts) == 0 {
			w.packers <- pack
			continue
		}
		p.pack = pack
		s.packing = append(s.packing, p)
		if pack.encoder != nil {
			go func() {
				p.err = p.encode(w)
				p.packed <- struct{}{}
			}()
			continue
		}
		p.request = p.fill(w)
		if err := s.dispatch(w); err != nil {
			return err
		}
	}
	return nil
}

// packer takes one, and waits for it only while this sender holds none itself.
func (s *sender) packer(ctx context.Context, w *work) (*packer, error) {
	if len(s.packing) > 0 {
		select {
		case pack := <-w.packers:
			return pack, nil
		default:
			return nil, nil
		}
	}
	select {
	case pack := <-w.packers:
		return pack, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dispatch writes the first request that is packed, unless packing failed. AsyncProduce has encoded it when it returns.
func (s *sender) dispatch(w *work) error {
	p := s.packing[0]
	s.packing = append(s.packing[:0], s.packing[1:]...)
	if p.err != nil {
		p.release(w)
		return p.err
	}
	for _, part := range p.parts {
		if part.lane.order != nil {
			s.bytes += int64(part.size)
		}
	}
	err := s.conn.AsyncProduce(p.request, func(answer *sarama.ProduceResponse, err error) {
		p.answer, p.err = answer, err
		s.answers <- p
	})
	p.release(w)
	if err != nil {
		s.conn.broken.Store(true)
		return fmt.Errorf("produce to broker %s: %w", s.conn.addr, err)
	}
	s.inFlight++
	return nil
}

// abandon gives back the packers of requests that will not be sent, when their goroutines have ended.
func (s *sender) abandon(w *work) {
	for _, p := range s.packing {
		if p.pack.encoder != nil {
			<-p.packed
		}
		p.release(w)
	}
	s.packing = s.packing[:0]
}

func (s *sender) parcel() *parcel {
	if n := len(s.spare); n > 0 {
		p := s.spare[n-1]
		s.spare = s.spare[:n-1]
		*p = parcel{parts: p.parts[:0], packed: p.packed}
		return p
	}
	return &parcel{packed: make(chan struct{}, 1)}
}

// cut chooses what goes into the next request: one batch of each lane, the lanes taking turns.
func (s *sender) cut(p *parcel, w *work) {
	turn := s.waiting()
	share := max(minShare, requestBytes/turn)
	overhead := w.stamp.overhead()
	for room := requestBytes; turn > 0 && room > 0; turn-- {
		l := s.lanes[s.head]
		s.head++
		l.queued = false
		if !l.ready() {
			continue
		}
		from, to, size := l.cut(w.batch, share, overhead)
		p.parts = append(p.parts, part{lane: l, from: from, to: to, size: size})
		l.inFlight++
		room -= size
		if l.ready() {
			s.push(l)
		}
	}
}

// take judges the answer to one request.
func (s *sender) take(p *parcel) error {
	if p.err != nil {
		s.conn.broken.Store(true)
		return fmt.Errorf("produce to broker %s: %w", s.conn.addr, p.err)
	}
	s.conn.used.Store(time.Now().UnixNano())
	for _, part := range p.parts {
		block := p.answer.GetBlock(part.lane.topic.name, part.lane.partition)
		if block == nil {
			return fmt.Errorf("produce to broker %s: no answer for %s partition %d",
				s.conn.addr, part.lane.topic.name, part.lane.partition)
		}
		if err := part.judge(block); err != nil {
			return err
		}
		part.lane.settle()
		if part.lane.ready() && !part.lane.queued {
			s.push(part.lane)
		}
	}
	return nil
}
