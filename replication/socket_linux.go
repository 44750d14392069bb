package replication

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const canWaitForBytes = true

// setWaitForBytes makes the kernel report the socket readable only when n bytes are there.
func setWaitForBytes(tcp *net.TCPConn, n int) error {
	return setsockopt(tcp, unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
}

// setUserTimeout bounds how long sent bytes may stay unacknowledged before the connection is given up.
func setUserTimeout(tcp *net.TCPConn, d time.Duration) error {
	return setsockopt(tcp, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}

func setsockopt(tcp *net.TCPConn, level, option, value int) error {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), level, option, value)
	}); err != nil {
		return err
	}
	return failed
}
