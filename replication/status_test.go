package replication

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// written is a connection that keeps what is written.
type written struct {
	deaf
	bytes.Buffer
	broken error
}

func (w *written) Read(p []byte) (int, error) { return w.Buffer.Read(p) }

func (w *written) Write(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	return w.Buffer.Write(p)
}

// take returns what was written since the last call, without the clock.
func (w *written) take() string {
	b := w.Next(w.Len())
	for i := 0; i+statusSize <= len(b); i += statusSize {
		clear(b[i+30 : i+38])
	}
	return hex.EncodeToString(b)
}

func TestStatusFrame(t *testing.T) {
	conn := &written{}
	s := status{conn: conn, patience: time.Second, closed: new(atomic.Bool)}
	const none = "0000000000000000"
	one := func(write, flush string) string { return "6400000026" + "72" + write + flush + flush + none + "00" }

	raise(&s.received, 0x20)
	raise(&s.limit, 0x18)
	if err := s.alive(); err != nil {
		t.Fatal(err)
	}
	if got, want := conn.take(), one("0000000000000020", none); got != want {
		t.Errorf("alive sends\n%s instead of\n%s", got, want)
	}
	if err := s.acknowledge(0x18); err != nil {
		t.Fatal(err)
	}
	if got, want := conn.take(), one("0000000000000020", "0000000000000018"); got != want {
		t.Errorf("acknowledge sends\n%s instead of\n%s", got, want)
	}
	if err := s.alive(); err != nil {
		t.Fatal(err)
	}
	if got, want := conn.take(), one("0000000000000020", none); got != want {
		t.Errorf("after it, alive sends\n%s instead of\n%s: a repeated flush keeps a server from stopping", got, want)
	}
	for _, lsn := range []LSN{0x18, 0x17, 0} {
		if err := s.acknowledge(lsn); err != nil || conn.Len() > 0 {
			t.Errorf("acknowledging %s again: %v, sends %s", lsn, err, conn.take())
		}
	}
	for _, lsn := range []LSN{0x19, 0x20, 1 << 63} {
		if err := s.acknowledge(lsn); err == nil || conn.Len() > 0 {
			t.Errorf("acknowledging %s: %v, sends %s", lsn, err, conn.take())
		}
	}
}

func TestStatusThatIsNotSentIsNotAcknowledged(t *testing.T) {
	conn := &written{broken: errors.New("broken pipe")}
	s := status{conn: conn, patience: time.Second, closed: new(atomic.Bool)}
	raise(&s.limit, 0x18)
	if err := s.acknowledge(0x18); !errors.Is(err, conn.broken) || s.flushed != 0 {
		t.Errorf("%v, flushed %s", err, s.flushed)
	}
}

func TestKeepaliveThatAsksIsAnsweredAtOnce(t *testing.T) {
	conn := &written{}
	s := replay(bytes.NewReader(append(keepalive(0x30, 0), keepalive(0x40, 1)...)))
	s.status.conn = conn
	if _, err := s.Next(); err != nil || conn.Len() > 0 {
		t.Errorf("one that does not ask: %v, sends %s", err, conn.take())
	}
	if _, err := s.Next(); err != nil || !strings.HasPrefix(conn.take(), "6400000026"+"72"+"0000000000000040"+"0000000000000000") {
		t.Errorf("one that asks: %v", err)
	}
}

// TestBrokenConnectionEndsTheReader breaks only the way to the server: the reader, which still waits, is told.
func TestBrokenConnectionEndsTheReader(t *testing.T) {
	t.Parallel()
	client, _ := pair(t)
	s := replay(client)
	s.socket = client
	client.startPacing()
	broken := errors.New("broken pipe")
	s.broken(broken)
	if _, err := s.Next(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestCloseDoesNotWaitForAServerThatTakesNothing begins with a status that is stuck.
func TestCloseDoesNotWaitForAServerThatTakesNothing(t *testing.T) {
	client, server := net.Pipe() // takes what is written only when it is read
	defer server.Close()
	s := newStream(client, &socket{Conn: client}, newFrames(client), 1, Config{SenderTimeout: time.Hour}, nil)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.status.alive(); err == nil {
		t.Error("a closed stream sends a status")
	}
}

var _ net.Conn = (*written)(nil)
