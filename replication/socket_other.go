//go:build !linux

package replication

import (
	"net"
	"time"
)

const canWaitForBytes = false

func setWaitForBytes(*net.TCPConn, int) error { return nil }

// setUserTimeout leaves the detection of a dead peer to TCP keepalive.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
