package devstack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Ports are taken below the range from which systems choose the ports of outgoing connections (Linux: from 32768), so
// that none of those can sit on a server's port while the server is stopped.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// lease keeps a port for one server, also while that is stopped: other devstack processes of this user see the locked
// file and choose another. It ends with the process that holds it.
type lease struct {
	port int
	lock *os.File
}

// leasePorts finds n loopback ports that nobody holds and on which nobody listens.
func leasePorts(n int) (leases []lease, err error) {
	defer func() {
		if err != nil {
			release(leases...)
			leases = nil
		}
	}()
	root, err := CacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make directory for port locks: %w", err)
	}
	for range 1000 {
		l, err := tryPort(dir, lowestPort+rand.IntN(highestPort-lowestPort))
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			return leases, err
		}
		if leases = append(leases, l); len(leases) == n {
			return leases, nil
		}
	}
	return leases, fmt.Errorf("find %d free ports between %d and %d", n, lowestPort, highestPort)
}

var errTaken = errors.New("port taken")

func tryPort(dir string, port int) (lease, error) {
	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return lease{}, fmt.Errorf("open port lock: %w", err)
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || !free(port) {
		f.Close()
		return lease{}, errTaken
	}
	return lease{port: port, lock: f}, nil
}

func release(leases ...lease) {
	for _, l := range leases {
		l.lock.Close()
	}
}

func free(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
