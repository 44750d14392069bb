package devstack

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A direction holds at most this much that is delayed: enough for 1 GB/s at 50 ms.
const (
	chunkSize   = 64 << 10
	chunksAhead = 1024
)

// link is one connection of a client with its counterpart to the target.
type link struct {
	client, target net.Conn
	silent         atomic.Bool
	done           chan struct{} // closed by reset
	once           sync.Once
}

func newLink(client, target net.Conn) *link {
	return &link{client: client, target: target, done: make(chan struct{})}
}

// reset ends both sides with RST and wakes everybody who carries.
func (l *link) reset() { l.end(abort) }

// finish ends both sides after all has been carried: the kernel still delivers what it has taken.
func (l *link) finish() { l.end(func(c net.Conn) { c.Close() }) }

func (l *link) end(one func(net.Conn)) {
	l.once.Do(func() {
		close(l.done)
		one(l.client)
		one(l.target)
	})
}

// silence leaves both sides open and carries nothing any more. The reader may still take one chunk, which is lost.
func (l *link) silence() { l.silent.Store(true) }

// abort closes with RST instead of FIN: the peer gets an error, not an end of file.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it only fails on a closed connection
	}
	c.Close()
}

// chunk is what one read brought; without bytes it is the end of the stream.
type chunk struct {
	bytes []byte
	due   time.Time
}

// carry moves bytes in one direction until the stream ends or the link is reset: a reader that stamps what it reads
// with the time at which it is due, and this goroutine, which writes it then. A sleep per chunk in one loop would be
// simpler and would limit the bandwidth to one chunk per delay.
func (l *link) carry(to, from net.Conn, g *gate, delay *atomic.Int64) {
	line, free := make(chan chunk, chunksAhead), make(chan []byte, chunksAhead)
	var reader sync.WaitGroup
	reader.Go(func() { l.read(from, g, delay, line, free) })
	defer reader.Wait()
	for c := range line {
		if !l.waitUntil(c.due) || !g.pass(l.done) || !l.deliver(to, c) {
			l.reset() // ends the reader too
			return
		}
		select {
		case free <- c.bytes[:cap(c.bytes)]:
		default:
		}
	}
}

func (l *link) read(from net.Conn, g *gate, delay *atomic.Int64, line chan<- chunk, free <-chan []byte) {
	defer close(line)
	for g.pass(l.done) && l.speaks() {
		var buf []byte
		select {
		case buf = <-free:
		default:
			buf = make([]byte, chunkSize)
		}
		n, err := from.Read(buf) // a TCP connection never gives bytes and an error at once
		if err != nil && !errors.Is(err, io.EOF) {
			l.reset()
			return
		}
		select {
		case line <- chunk{bytes: buf[:n], due: time.Now().Add(time.Duration(delay.Load()))}:
		case <-l.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// deliver writes a chunk, or closes one direction at the end of the stream.
func (l *link) deliver(to net.Conn, c chunk) bool {
	if !l.speaks() {
		return false
	}
	if len(c.bytes) == 0 {
		if tcp, ok := to.(*net.TCPConn); ok {
			return tcp.CloseWrite() == nil
		}
		return false
	}
	_, err := to.Write(c.bytes)
	return err == nil
}

// speaks is false after a reset. On a silenced link it does not return before that.
func (l *link) speaks() bool {
	if l.silent.Load() {
		<-l.done
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

func (l *link) waitUntil(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

// gate lets pass while it is open, which it is at first.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // nil: open; else closed when it opens
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// pass waits until the gate is open; false when done is closed first.
func (g *gate) pass(done <-chan struct{}) bool {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	if opened == nil {
		return true
	}
	select {
	case <-opened:
		return true
	case <-done:
		return false
	}
}
