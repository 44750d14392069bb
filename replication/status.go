package replication

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// statusSize is a Standby status update ('r', write, flush, apply, clock, reply wanted) in its CopyData frame:
// https://www.postgresql.org/docs/current/protocol-replication.html
const statusSize = frameHeader + 1 + 8 + 8 + 8 + 8 + 1

// status sends positions to the server. It is used from three sides: its own timer, the reader that answers a
// keepalive, and Acknowledge.
//
// A status normally says {write = received, flush = 0, apply = 0}: it keeps the session alive, does not move the slot,
// and lets the server stop, which waits until write, or flush where that is not 0, equals what it has sent. A flush
// that is merely repeated makes it wait for ever while nothing can be published.
type status struct {
	patience time.Duration // for one write; a server that does not read for this long is gone
	received atomic.Uint64 // up to here the server has sent everything; only the reader raises it
	limit    atomic.Uint64 // the highest LSN that may be acknowledged; only the reader raises it

	closed *atomic.Bool

	mu      sync.Mutex // one write at a time
	conn    net.Conn
	flushed LSN // the last one that was acknowledged
	frame   [statusSize]byte
}

// alive tells the server that we are there, and nothing else.
func (s *status) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.send(0)
}

// acknowledge moves the slot. It is the only way to.
func (s *status) acknowledge(lsn LSN) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := LSN(s.limit.Load()); lsn > limit {
		return fmt.Errorf("acknowledge %s: this session has received no more than %s; the server would believe it and skip what lies between", lsn, limit)
	}
	if lsn <= s.flushed {
		return nil
	}
	if err := s.send(lsn); err != nil {
		return err
	}
	s.flushed = lsn
	return nil
}

func (s *status) send(flush LSN) error {
	f := s.frame[:0]
	f = append(f, frameCopyData)
	f = binary.BigEndian.AppendUint32(f, statusSize-1)
	f = append(f, 'r')
	f = binary.BigEndian.AppendUint64(f, s.received.Load()) // write
	f = binary.BigEndian.AppendUint64(f, uint64(flush))     // flush
	f = binary.BigEndian.AppendUint64(f, uint64(flush))     // apply
	f = binary.BigEndian.AppendUint64(f, uint64(time.Now().UnixMicro()-postgresEpoch))
	f = append(f, 0) // no reply wanted
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	// The deadline before the flag: Close sets the flag before its own deadline, so a write that has seen no flag is
	// ended by it.
	if s.closed.Load() {
		return ErrClosed
	}
	if _, err := s.conn.Write(f); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	return nil
}
