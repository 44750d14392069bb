package replication

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// TestPauseEndsBulk: a reader that holds something back while much comes is told when nothing does, before it would
// wait for good.
func TestPauseEndsBulk(t *testing.T) {
	if !canWaitForBytes {
		t.Skip("this system has no SO_RCVLOWAT")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // much, until told to stop; then the connection stays open and silent
		conn, err := listener.Accept()
		for chunk := make([]byte, 64<<10); err == nil && ctx.Err() == nil; {
			_, err = conn.Write(chunk)
		}
	}()
	s, err := dial(t.Context(), "tcp", listener.Addr().String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.startPacing()
	buf := make([]byte, bufferSize)
	for !s.pace.bulk {
		if _, err := s.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	pauses := 0
	for s.pace.bulk {
		n, err := s.Read(buf)
		switch {
		case errors.Is(err, errPaused):
			pauses++
		case err != nil || n == 0:
			t.Fatalf("read %d bytes, error %v", n, err)
		}
	}
	if pauses == 0 {
		t.Error("bulk ended in silence and nobody was told")
	}
}
