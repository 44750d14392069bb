package replication

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Stream hands out the committed transactions of a slot, in commit order. Next and Buffered belong to one goroutine;
// Acknowledge, Received, PID and Close may be called from any.
type Stream struct {
	conn   net.Conn // socket, or TLS over it
	socket *socket
	pid    uint32
	logger *slog.Logger
	pinned map[string]string // session settings that the server reports

	input       input
	frames      *frames
	decoder     *decoder
	transaction transaction
	message     Message
	err         error // what every further Next returns

	status status
	stop   chan struct{} // ends the status goroutine
	ended  sync.WaitGroup
	closed atomic.Bool
	lost   atomic.Pointer[lostError]
	close  func() error
}

// lostError is what made the connection useless for writing.
type lostError struct {
	err   error
	timer *time.Timer
}

// lostGrace is how long the reader may go on after a write has failed. A server that ends a session has mostly said
// why, and that is still to be read.
const lostGrace = time.Second

// newStream takes over a connection on which the server has begun to stream.
func newStream(conn net.Conn, s *socket, in *frames, pid uint32, config Config, pinned map[string]string) *Stream {
	stream := &Stream{
		conn:    conn,
		socket:  s,
		pid:     pid,
		logger:  config.Logger,
		pinned:  pinned,
		frames:  in,
		decoder: newDecoder(),
		stop:    make(chan struct{}),
	}
	stream.input = input{conn: conn, closed: &stream.closed}
	stream.frames.src = &stream.input
	stream.status.conn, stream.status.closed = conn, &stream.closed
	stream.status.patience = config.SenderTimeout
	stream.close = sync.OnceValue(stream.shut)
	if conn == net.Conn(s) {
		s.startPacing()
	}
	stream.ended.Add(1)
	go stream.keepAlive(config.SenderTimeout / 4)
	return stream
}

// keepAlive sends a status as often as every. The timer is its own: statuses go out also while nobody calls Next, when
// a keepalive that asks for a reply lies unread.
func (s *Stream) keepAlive(every time.Duration) {
	defer s.ended.Done()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.status.alive(); err != nil {
			if !s.closed.Load() {
				s.broken(err)
			}
			return
		}
		select {
		case <-ticker.C:
		case <-s.stop:
			return
		}
	}
}

// broken notes that nothing can be written any more, and ends the reader a little later if it does not end by itself.
func (s *Stream) broken(err error) {
	lost := &lostError{err: err, timer: time.AfterFunc(lostGrace, s.socket.interrupt)}
	if !s.lost.CompareAndSwap(nil, lost) {
		lost.timer.Stop() // the first error counts
	}
}

// Next blocks until there is a message. Its memory is borrowed until the next call. After an error every call returns
// the same one.
func (s *Stream) Next() (*Message, error) {
	for s.err == nil {
		if s.closed.Load() {
			s.err = ErrClosed
			break
		}
		kind, body, err := s.frames.next()
		if errors.Is(err, errPaused) {
			s.message = Message{Kind: Pause}
			return &s.message, nil
		}
		if err != nil {
			s.err = s.explain(err)
			break
		}
		m, err := s.handle(kind, body)
		if err != nil {
			s.err = err
			break
		}
		if m != nil {
			return m, nil
		}
	}
	return nil, s.err
}

// explain finds the reason behind an error of reading.
func (s *Stream) explain(err error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if lost := s.lost.Load(); lost != nil {
		return fmt.Errorf("replication connection lost: %w", lost.err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("replication connection lost: the server closed it: %w", err)
	}
	var protocol *ProtocolError
	if errors.As(err, &protocol) {
		return err
	}
	return fmt.Errorf("replication connection lost: %w", err)
}

func (s *Stream) handle(kind byte, body []byte) (*Message, error) {
	switch kind {
	case frameCopyData:
		return s.copyData(body)
	case frameNotice:
		return nil, s.notice(body)
	case frameParameter:
		return nil, s.parameter(body)
	case frameError:
		return nil, streamError(body)
	case frameCopyDone, frameCommandComplete:
		return nil, ErrStopped
	}
	return nil, protocolErrorf(body, "read stream: frame %q is out of place; its body", kind)
}

const (
	copyXLogData  = 'w'
	copyKeepalive = 'k'

	xlogDataHeader  = 1 + 8 + 8 + 8 // type, WAL start, WAL end, clock
	keepaliveLength = 1 + 8 + 8 + 1 // type, WAL end, clock, reply wanted
)

func (s *Stream) copyData(body []byte) (*Message, error) {
	if len(body) >= xlogDataHeader && body[0] == copyXLogData {
		return s.xlogData(body)
	}
	if len(body) == keepaliveLength && body[0] == copyKeepalive {
		return s.keepalive(body)
	}
	return nil, protocolErrorf(body, "read stream: CopyData is neither XLogData nor a keepalive")
}

func (s *Stream) xlogData(body []byte) (*Message, error) {
	m := &s.message
	out, err := s.decoder.decode(body[xlogDataHeader:], m)
	if err != nil || !out {
		return nil, err
	}
	if err := s.transaction.apply(m); err != nil {
		return nil, protocolErrorf(m.Raw, "read stream: %v", err)
	}
	if m.Kind == Commit {
		raise(&s.status.received, m.EndLSN)
		raise(&s.status.limit, m.EndLSN)
	}
	return m, nil
}

func (s *Stream) keepalive(body []byte) (*Message, error) {
	c := cursor{rest: body[1:]}
	walEnd := LSN(c.uint64())
	c.uint64() // the server's clock
	replyWanted := c.byte() != 0
	raise(&s.status.received, walEnd)
	if replyWanted {
		if err := s.status.alive(); err != nil {
			s.broken(err)
		}
	}
	if !s.transaction.keepalive(walEnd) {
		return nil, nil
	}
	raise(&s.status.limit, walEnd)
	s.message = Message{Kind: Keepalive, WALEnd: walEnd}
	return &s.message, nil
}

// raise moves a position forward. Only the reader does: the LSNs of rows go back and forth and are never noted.
func raise(position *atomic.Uint64, lsn LSN) {
	if uint64(lsn) > position.Load() {
		position.Store(uint64(lsn))
	}
}

// PID is the process id of our walsender, to compare with a slot's active_pid.
func (s *Stream) PID() uint32 { return s.pid }

// Received is the position up to which the server has sent everything.
func (s *Stream) Received() LSN { return LSN(s.status.received.Load()) }

// Acknowledge tells the server that everything before lsn is durable downstream, at once. It is the only way in which a
// flush position goes out. It refuses what is above the highest EndLSN or WALEnd that Next handed out, and does nothing
// for what is not above the last acknowledged one.
func (s *Stream) Acknowledge(lsn LSN) error { return s.status.acknowledge(lsn) }

// streamError is what the server says when it ends the stream with an error.
func streamError(body []byte) error {
	e, err := serverMessage(body)
	if err != nil {
		return fmt.Errorf("read error: %w", err)
	}
	if isPublicationMissing(e) {
		return fmt.Errorf("%w: %w", ErrNoPublication, e)
	}
	return fmt.Errorf("the server ended the stream: %w", e)
}
