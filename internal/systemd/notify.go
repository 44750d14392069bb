package systemd

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Health is what the service manager is told.
type Health struct {
	// Status is one line for people.
	Status string
	// Well keeps the watchdog quiet. A process that is not well for longer than WatchdogSec is killed and started again.
	Well bool
	// Stopping says that the process is about to end.
	Stopping bool
}

// lookEvery is how often the health is looked at.
const lookEvery = time.Second

// notifier talks to the service manager.
type notifier struct {
	conn   net.Conn
	health func() Health

	watchdog time.Duration // between two signs of life; 0: none are wanted
	alive    time.Time     // the last one
	status   string        // told last
	stopping bool          // told
}

// Start tells the service manager that the process is ready, if there is one that wants to know, and how it is from then
// on, whatever becomes of ctx: stop says that the process ends. getenv gives NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
func Start(ctx context.Context, getenv func(string) string, health func() Health) (stop func(), err error) {
	n, err := dial(getenv, health)
	if n == nil || err != nil {
		return func() {}, err
	}
	n.send("READY=1")
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() { n.run(ctx) })
	return func() {
		cancel()
		ended.Wait()
		n.stop()
		_ = n.conn.Close()
	}, nil
}

// dial gives nil when nobody wants to know.
func dial(getenv func(string) string, health func() Health) (*notifier, error) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil, nil
	}
	// A name that begins with @ is in Linux's abstract namespace; package net knows that too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return &notifier{conn: conn, health: health, watchdog: watchdog(getenv)}, nil
}

// watchdog is half of the time after which silence means death, as systemd advises.
func watchdog(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

func (n *notifier) run(ctx context.Context) {
	every := lookEvery
	if n.watchdog > 0 {
		every = min(every, n.watchdog/2)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n.look(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look tells what has changed, and that we live when that is due.
func (n *notifier) look(now time.Time) {
	h := n.health()
	if h.Stopping {
		n.stop()
	}
	if h.Status != n.status {
		n.status = h.Status
		n.send("STATUS=" + strings.ReplaceAll(h.Status, "\n", " "))
	}
	if n.watchdog > 0 && h.Well && now.Sub(n.alive) >= n.watchdog {
		n.alive = now
		n.send("WATCHDOG=1")
	}
}

func (n *notifier) stop() {
	if !n.stopping {
		n.stopping = true
		n.send("STOPPING=1")
	}
}

// send is one datagram. A service manager that is gone or busy is no reason to do anything.
func (n *notifier) send(message string) {
	_ = n.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = n.conn.Write([]byte(message))
}
