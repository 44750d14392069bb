package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// Command is what can be asked of a relay.
type Command string

// The commands.
const (
	Pause  Command = "pause"
	Resume Command = "resume"
	Reload Command = "reload"
)

// maxAnswer bounds what is read of an answer: whatever is at the other end of the socket, it is not believed blindly.
const maxAnswer = 4 << 20

// Ask sends a command to the relay of that name, at the first candidate that is there. The error is a *fault.Error: that
// of the relay, or why none could be asked.
func Ask(ctx context.Context, candidates []string, relay string, c Command) (*Answer, error) {
	return ask(ctx, candidates, relay, http.MethodPost, string(c))
}

// Status asks the relay of that name how it is, at the first candidate that is there. It changes nothing.
func Status(ctx context.Context, candidates []string, relay string) (*status.View, error) {
	a, err := ask(ctx, candidates, relay, http.MethodGet, "status")
	if err != nil {
		return nil, err
	}
	return &a.Status, nil
}

func ask(ctx context.Context, candidates []string, relay, method, what string) (*Answer, error) {
	path, err := find(candidates, relay)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://relay/"+what+"?relay="+url.QueryEscape(relay), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask relay: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, unanswered(ctx, path, err)
	}
	defer res.Body.Close()
	return read(res, path)
}

// find gives the socket of the relay, if it is one that nobody else can have put there.
func find(candidates []string, relay string) (string, error) {
	for _, path := range candidates {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", unreachable(path, withoutPath(err), "")
		}
		return path, ours(path, info)
	}
	where := "server.admin_socket is " + None
	if len(candidates) > 0 {
		where = "there is no " + strings.Join(candidates, " and no ")
	}
	return "", &fault.Error{
		Code: fault.DaemonUnreachable, Summary: fmt.Sprintf("relay %q cannot be asked: %s", relay, where),
		Hint: "Does `relay run` run on this machine? It names its socket when it starts; server.admin_socket in the configuration sets it for both. " +
			"A directory for it is made by systemd (RuntimeDirectory=relay) or by hand.",
	}
}

// ours refuses what is no socket, and a socket of a user who is neither we nor root: it could say anything. Root asks
// relays of all users.
func ours(path string, info fs.FileInfo) error {
	if info.Mode().Type() != fs.ModeSocket {
		return unreachable(path, errors.New("it is not a socket"), "Something else is at the path of the admin socket. Remove it, or set server.admin_socket.")
	}
	uid, ok := owner(info)
	if me := os.Geteuid(); !ok || (uid != me && uid != 0 && me != 0) {
		return unreachable(path, fmt.Errorf("it belongs to %s, not to you", userName(uid)), "Run the command as that user or as root, as in `sudo -u "+userName(uid)+" relay ...`.")
	}
	return nil
}

func unanswered(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		return unreachable(path, context.Cause(ctx), "The relay did not answer in time. Its log and /status say what it does.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable(path, errors.New("nobody listens"), "The relay that made the socket has ended. `relay run` starts it again.")
	case errors.Is(err, fs.ErrPermission):
		return unreachable(path, errors.New("permission denied"), "Run the command as the user of the relay or as root.")
	}
	return notARelay(path, err)
}

func notARelay(path string, err error) error {
	return unreachable(path, fmt.Errorf("what listens there does not answer as a relay: %w", err), "Is it the socket of another program? server.admin_socket sets the path.")
}

func unreachable(path string, err error, hint string) error {
	return &fault.Error{Code: fault.DaemonUnreachable, Summary: "ask relay at " + path, Err: err, Hint: hint}
}

// read checks that the answer is one.
func read(res *http.Response, path string) (*Answer, error) {
	var a Answer
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&a); err != nil {
		return nil, notARelay(path, err)
	}
	switch {
	case a.Kind != kind || a.APIVersion != apiVersion:
		return nil, notARelay(path, fmt.Errorf("the answer is %q of version %q", a.Kind, a.APIVersion))
	case a.Error != nil:
		return nil, a.Error.fault()
	}
	return &a, nil
}
