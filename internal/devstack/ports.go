package devstack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken below the range from which systems choose the ports of outgoing connections (Linux: from 32768), so
// that none of those can sit on a server's port while the server is stopped.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// freePorts finds n loopback ports on which nobody listens now.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	taken := make(map[int]bool, n)
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort) //nolint:gosec // a port number is no secret
		if taken[port] || !free(port) {
			continue
		}
		taken[port] = true
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports between %d and %d", n, lowestPort, highestPort)
}

func free(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
