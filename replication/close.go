package replication

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// closePatience is how long Close waits for the server to let go of the slot. It takes milliseconds.
	closePatience = time.Second
	// closeDrain is how many bytes Close reads away meanwhile: more than kernel buffers hold, less than a large
	// transaction, in the middle of which the server looks at what we send only when it cannot send itself.
	closeDrain = 16 << 20
)

// input is the connection as the reader sees it. Its lock makes reader and Close take turns.
type input struct {
	mu     sync.Mutex
	conn   net.Conn
	closed *atomic.Bool
}

func (in *input) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed.Load() {
		return 0, ErrClosed
	}
	return in.conn.Read(p)
}

// Close ends the session and waits until the server has let go of the slot, at most a second. It unblocks Next.
func (s *Stream) Close() error { return s.close() }

func (s *Stream) shut() error {
	s.closed.Store(true)
	_ = s.conn.SetWriteDeadline(time.Unix(1, 0)) // ends a status that a server does not take
	close(s.stop)
	s.ended.Wait()
	lost := s.lost.Load()
	if lost != nil {
		lost.timer.Stop()
	}
	s.socket.interrupt()
	s.input.mu.Lock() // the reader is out, and will not come in again
	defer s.input.mu.Unlock()
	if lost == nil {
		s.leave()
	}
	return s.conn.Close()
}

// leave says good-bye and waits for the end of the connection, so that the last acknowledgement is taken and the slot
// is free when Close returns. It is a courtesy: whatever goes wrong here, the closed socket does the same a little
// later.
func (s *Stream) leave() {
	deadline := time.Now().Add(closePatience)
	s.socket.stopPacing()
	if s.conn.SetDeadline(deadline) != nil {
		return
	}
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	if _, err := s.conn.Write([]byte{'X', 0, 0, 0, 4}); err != nil { // Terminate
		return
	}
	_, _ = io.CopyN(io.Discard, s.conn, closeDrain)
}
