package admin

import (
	"fmt"
	"net"
)

// peer is the user at the other end of a connection.
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("ask who the peer is: %w", err)
	}
	var errUser error
	if err = raw.Control(func(fd uintptr) { uid, errUser = userOf(int(fd)) }); err == nil {
		err = errUser
	}
	if err != nil {
		return 0, fmt.Errorf("ask who the peer is: %w", err)
	}
	return uid, nil
}
