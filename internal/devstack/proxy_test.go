package devstack_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestProxyCarriesBothWays(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	sent := make([]byte, 3<<20)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c) // the echo ends when it has read our end
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes came back, equal %t: %v", len(got), len(sent), bytes.Equal(got, sent), err)
	}
}

func TestProxyDelaysWithoutThrottling(t *testing.T) {
	const delay, size = 50 * time.Millisecond, 4 << 20
	p := newProxy(t)
	p.Delay(delay)
	c := dial(t, p)
	start := time.Now()
	go func() { _, _ = c.Write(make([]byte, size)) }()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*delay {
		t.Errorf("the first byte came back after %v, before two delays of %v had passed", took, delay)
	}
	if _, err := io.ReadFull(c, make([]byte, size-1)); err != nil {
		t.Fatal(err)
	}
	// A sleep per chunk would have taken a delay for each 64 KiB: 3.2 s each way. The bound leaves ample room.
	if took := time.Since(start); took > 64*delay {
		t.Errorf("%d bytes took %v: the delay limits the bandwidth", size, took)
	}
}

func TestProxyPauseHoldsBackAndResumeDelivers(t *testing.T) {
	for name, pause := range map[string]func(*devstack.Proxy){
		"both":    (*devstack.Proxy).Pause,
		"answers": (*devstack.Proxy).PauseAnswers,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			c := dial(t, p)
			ping(t, c)
			pause(p)
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			wantSilence(t, c)
			p.Resume()
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Errorf("read after resume: %v", err)
			}
		})
	}
}

func TestProxyCutResetsAndNewConnectionsWork(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	ping(t, c)
	p.Cut()
	wantEnd(t, c)
	ping(t, dial(t, p))
}

func TestProxyHalfOpenIsSilentAndNewConnectionsWork(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	ping(t, c)
	p.HalfOpen()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	wantSilence(t, c)
	ping(t, dial(t, p))
}

func TestProxyDownUntilUp(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	ping(t, c)
	p.Down()
	wantEnd(t, c)
	if again, err := net.Dial("tcp", p.Addr()); err == nil { // else the reset came before the connect returned
		wantEnd(t, again)
		again.Close()
	}
	p.Up()
	ping(t, dial(t, p))
}

// newProxy makes a proxy before a server that echoes. All goroutines are gone after the test.
func newProxy(t *testing.T) *devstack.Proxy {
	t.Helper()
	before := goleak.IgnoreCurrent()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	p, err := devstack.NewProxy(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	})
	return p
}

func dial(t *testing.T, p *devstack.Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func ping(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
}

// wantSilence sees neither data nor an end for long enough that an echo would have come.
func wantSilence(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("read %d bytes, %v; want silence", n, err)
	}
	_ = c.SetReadDeadline(time.Time{})
}

// wantEnd sees the connection end.
func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if n != 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("read %d bytes, %v; want the connection's end", n, err)
	}
}
