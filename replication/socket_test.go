package replication

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// pair is a dialled socket and the server's end of it.
func pair(t *testing.T) (*socket, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s, err := dial(t.Context(), "tcp", listener.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		_ = server.Close()
	})
	return s, server
}

// TestPacedSocketDeliversEverything writes bursts and lone bytes; no end of a burst may be waited for for ever.
func TestPacedSocketDeliversEverything(t *testing.T) {
	s, server := pair(t)
	s.startPacing()
	const burst = 4 << 20
	buf := make([]byte, bufferSize)
	for round := range 3 {
		for _, n := range []int{burst, 1, 100, bulkBytes - 1} {
			go func() { _, _ = server.Write(make([]byte, n)) }()
			for got := 0; got < n; {
				read, err := s.Read(buf)
				if err != nil && !errors.Is(err, errPaused) {
					t.Fatalf("round %d: after %d of %d bytes: %v", round, got, n, err)
				}
				got += read
			}
		}
	}
	_ = server.Close()
	err := errPaused
	for errors.Is(err, errPaused) {
		_, err = s.Read(buf)
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v instead of the end", err)
	}
}

// TestInterruptEndsReads interrupts a read that waits, in bulk and out of it, and one that comes later.
func TestInterruptEndsReads(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		s, _ := pair(t)
		s.startPacing()
		if bulk {
			s.pace.bulk = true
			if err := s.wait(true); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error)
		go func() {
			_, err := s.Read(make([]byte, 10))
			ended <- err
		}()
		s.interrupt()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("bulk %t: %v", bulk, err)
		}
		if _, err := s.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("bulk %t, later: %v", bulk, err)
		}
	}
}

func TestDialIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(ctx, "tcp", "127.0.0.1:1", time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
