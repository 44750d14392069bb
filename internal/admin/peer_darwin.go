package admin

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peer is the user at the other end of a connection, as the kernel knows it.
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("ask who the peer is: %w", err)
	}
	var cred *unix.Xucred
	var errCred error
	err = raw.Control(func(fd uintptr) { cred, errCred = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if err == nil {
		err = errCred
	}
	if err != nil {
		return 0, fmt.Errorf("ask who the peer is: %w", err)
	}
	return int(cred.Uid), nil
}
