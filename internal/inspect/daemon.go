package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

const (
	// daemonTimeout bounds a question to the daemon, which answers from memory.
	daemonTimeout = 2 * time.Second
	// maxStatus is more than any status document has, in bytes.
	maxStatus = 1 << 20
)

// Daemon asks the daemon of this configuration, on this host, how it is: over HTTP, else at its admin socket. The error is
// a *fault.Error with fault.DaemonUnreachable.
func (s *Session) Daemon(ctx context.Context) (*status.View, error) {
	relay := s.cfg.Relay.Kafka.Relay
	view, err := askDaemon(ctx, s.cfg.Daemon, relay)
	if err == nil {
		return view, nil
	}
	ctx, cancel := context.WithTimeout(ctx, daemonTimeout)
	defer cancel()
	if view, socket := admin.Status(ctx, s.cfg.Sockets, relay); socket == nil {
		return view, nil
	}
	return nil, err
}

func askDaemon(ctx context.Context, listen, relay string) (*status.View, error) {
	address, why := daemonAddress(listen)
	if why != "" {
		return nil, daemonTrouble(why, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, daemonTimeout)
	defer cancel()
	view, err := fetchStatus(ctx, "http://"+address+"/status")
	if err != nil {
		return nil, daemonTrouble("no daemon answers at "+address, err)
	}
	if view.Relay != relay {
		return nil, daemonTrouble(fmt.Sprintf("the daemon at %s is that of relay %.40q", address, view.Relay), nil)
	}
	return view, nil
}

func fetchStatus(ctx context.Context, url string) (*status.View, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	// No proxy, no redirect: the daemon is on this host or it is not there.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			return nil, op.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	view := new(status.View)
	if err := json.NewDecoder(io.LimitReader(res.Body, maxStatus)).Decode(view); err != nil || view.Kind != "Status" {
		return nil, errors.New("what answers there is no relay")
	}
	return view, nil
}

// daemonAddress is where a daemon that listens so is asked, or why it cannot be.
func daemonAddress(listen string) (address, why string) {
	if listen == "" {
		return "", "server.listen is empty: the daemon of this configuration serves no status"
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return "", "server.listen is " + listen + ": which port the daemon has cannot be known"
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port), ""
}

func daemonTrouble(summary string, err error) error {
	return &fault.Error{
		Code: fault.DaemonUnreachable, Summary: summary, Err: err,
		Hint: "The process part comes from the daemon of this configuration on this host; everything else is read from Postgres and Kafka.",
	}
}
