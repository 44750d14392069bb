package replication

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// socket is the connection as it was dialled, below TLS if there is any. Before bulk is called it is just that. Afterwards one
// goroutine reads, deadlines are the socket's own business, and interrupt ends a read.
type socket struct {
	net.Conn
	tcp         *net.TCPConn // nil on a unix socket, which ignores SO_RCVLOWAT
	paced       bool
	pace        pacer
	interrupted atomic.Bool
}

// dial connects and sets how a dead peer is noticed: by TCP, never by the server's silence, which can last for as long
// as it decodes a transaction that is not for us. patience is how long sent bytes may stay unacknowledged.
func dial(ctx context.Context, network, address string, patience time.Duration) (*socket, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable:   true,
		Idle:     patience,
		Interval: max(patience/4, time.Second),
		Count:    4,
	}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: conn}
	if tcp, ok := conn.(*net.TCPConn); ok {
		s.tcp = tcp
		if err := setUserTimeout(tcp, patience); err != nil {
			_ = conn.Close()
			return nil, os.NewSyscallError("setsockopt TCP_USER_TIMEOUT", err)
		}
	}
	return s, nil
}

// startPacing begins to adapt how much a read waits for, where the system can.
func (s *socket) startPacing() {
	s.paced = s.tcp != nil && canWaitForBytes
}

// interrupt makes a Read that waits, and every later one, return net.ErrClosed.
//
// Read sets deadlines of its own, so the order matters: here the flag is set before the deadline, there the deadline
// before the flag is looked at. If Read saw no flag, our deadline comes after its own and ends the wait.
func (s *socket) interrupt() {
	s.interrupted.Store(true)
	_ = s.SetReadDeadline(time.Unix(1, 0))
}

// Read waits for bytes: for many at a time while many come.
func (s *socket) Read(p []byte) (int, error) {
	if !s.paced {
		return s.Conn.Read(p)
	}
	for {
		if s.pace.bulk {
			if err := s.SetReadDeadline(time.Now().Add(bulkWait)); err != nil {
				return 0, err
			}
		}
		if s.interrupted.Load() {
			return 0, net.ErrClosed
		}
		n, err := s.Conn.Read(p)
		timedOut := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !timedOut {
			return n, err
		}
		if s.pace.observe(time.Now(), n) {
			if err := s.wait(s.pace.bulk); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
		if timedOut && !s.interrupted.Load() {
			return 0, errPaused
		}
	}
}

// errPaused says that less than bulkBytes came in bulkWait although much came before. The next Read takes what is there,
// or waits again.
var errPaused = errors.New("the flow has paused")

// wait sets how much the kernel waits for before it wakes us. What is there already is read whatever that says: Go asks
// before it waits.
func (s *socket) wait(bulk bool) error {
	least := 1
	if bulk {
		least = bulkBytes
	} else if err := s.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt SO_RCVLOWAT", setWaitForBytes(s.tcp, least))
}

// stopPacing gives deadlines back to the caller, who is the only reader from now on.
func (s *socket) stopPacing() {
	s.paced = false
	if s.pace.bulk {
		_ = s.wait(false)
	}
}
