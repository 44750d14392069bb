package replication

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSocketOptions(t *testing.T) {
	s, _ := pair(t)
	option := func(level, name int) (value int) {
		raw, err := s.tcp.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got := option(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != int(time.Minute.Milliseconds()) {
		t.Errorf("TCP_USER_TIMEOUT %d ms", got)
	}
	if got := option(unix.SOL_SOCKET, unix.SO_KEEPALIVE); got != 1 {
		t.Errorf("SO_KEEPALIVE %d", got)
	}
	if got := option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE); got != 60 {
		t.Errorf("TCP_KEEPIDLE %d s", got)
	}
	s.startPacing()
	if got := option(unix.SOL_SOCKET, unix.SO_RCVLOWAT); got != 1 {
		t.Errorf("SO_RCVLOWAT %d before anything came", got)
	}
	if err := s.wait(true); err != nil || option(unix.SOL_SOCKET, unix.SO_RCVLOWAT) != bulkBytes {
		t.Errorf("SO_RCVLOWAT %d in bulk: %v", option(unix.SOL_SOCKET, unix.SO_RCVLOWAT), err)
	}
	s.pace.bulk = true
	s.stopPacing()
	if got := option(unix.SOL_SOCKET, unix.SO_RCVLOWAT); got != 1 {
		t.Errorf("SO_RCVLOWAT %d after bulk", got)
	}
}
