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
	var cred *unix.Ucred
	var errCred error
	err = raw.Control(func(fd uintptr) { cred, errCred = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err == nil {
		err = errCred
	}
	if err != nil {
		return 0, fmt.Errorf("ask who the peer is: %w", err)
	}
	return int(cred.Uid), nil
}
