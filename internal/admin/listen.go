package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// ErrTaken says that another process serves the socket: a relay of the same name on this machine.
var ErrTaken = errors.New("another process has the admin socket")

// ErrNoPlace says that there is no directory to put the socket into.
var ErrNoPlace = errors.New("the directory is not there, or this user cannot write to it")

// listener accepts connections of our own user and of root.
type listener struct {
	*net.UnixListener
	lock *os.File
	log  *slog.Logger
}

// listen makes the socket at the first candidate that can be used.
func listen(candidates []string, log *slog.Logger) (*listener, error) {
	path := choose(candidates)
	if path == "" {
		return nil, fmt.Errorf("make admin socket %s: %w", strings.Join(candidates, " or "), ErrNoPlace)
	}
	if err := private(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("make admin socket %s: %w", path, err)
	}
	held, taken, err := lock(path + ".lock")
	switch {
	case taken:
		return nil, fmt.Errorf("make admin socket %s: %w", path, ErrTaken)
	case err != nil:
		return nil, fmt.Errorf("lock admin socket: %w", err)
	}
	l, err := bind(path)
	if err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("make admin socket %s: %w", path, err)
	}
	return &listener{UnixListener: l, lock: held, log: log}, nil
}

// private refuses a directory in which another user could put a socket in place of ours.
func private(dir string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("look at its directory: %w", withoutPath(err))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at its directory: %w", withoutPath(err))
	}
	uid, ok := owner(info)
	switch {
	case !ok || (uid != os.Geteuid() && uid != 0):
		return fmt.Errorf("directory %s belongs to user %d, who could put another socket there", dir, uid)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("other users can write to directory %s (mode %04o)", dir, info.Mode().Perm())
	}
	return nil
}

// bind replaces what an older process left behind; the lock says that it is gone. Nothing else is ever removed.
func bind(path string) (*net.UnixListener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, withoutPath(err)
	default:
		if uid, ok := owner(info); info.Mode().Type() != fs.ModeSocket || !ok || uid != os.Geteuid() {
			return nil, errors.New("something is there already that is not a socket of this user; it stays as it is")
		}
		if err := os.Remove(path); err != nil {
			return nil, withoutPath(err)
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Until here the mode is what the umask leaves; who connects meanwhile is still asked for its user.
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, withoutPath(err)
	}
	return l, nil
}

// Accept waits for the next connection of a user that may speak to us.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(c)
		if err == nil && (uid == os.Geteuid() || uid == 0) {
			return &conn{UnixConn: c, uid: uid}, nil
		}
		l.log.Warn("connection to the admin socket refused", "uid", uid)
		_ = c.Close()
	}
}

// Close removes the socket, then gives the lock back.
func (l *listener) Close() error {
	return errors.Join(l.UnixListener.Close(), l.lock.Close())
}

// conn knows who is at the other end.
type conn struct {
	*net.UnixConn
	uid int
}

// withoutPath leaves out the path that package os repeats.
func withoutPath(err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return cause.Err
	}
	return err
}
