package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
)

// cacheEnv overrides the cache directory.
const cacheEnv = "DEVSTACK_CACHE"

// CacheDir is where downloaded and prepared servers are kept: $DEVSTACK_CACHE, or relay-devstack in the user's
// cache directory. For root that is usually below a closed home, where the user that Postgres runs as could not read
// its own program: then it is /var/cache/relay-devstack.
func CacheDir() (string, error) {
	if dir := os.Getenv(cacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	user, err := os.UserCacheDir()
	switch {
	case err == nil && (os.Geteuid() != 0 || openToOthers(user)):
		return filepath.Join(user, "relay-devstack"), nil
	case os.Geteuid() == 0:
		return "/var/cache/relay-devstack", nil
	}
	return "", fmt.Errorf("find a cache directory (%s sets one): %w", cacheEnv, err)
}

// openToOthers tells whether every user may pass through dir and what is above it. A part that does not exist yet
// counts as open: it will be made so.
func openToOthers(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// Progress is told about a step that takes seconds, in a short sentence, when something is not in the cache yet.
type Progress func(message string)

func (p Progress) say(format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// cached gives the directory name of the cache, filled once by fill. Processes that want the same one at the same time
// wait for each other, and nobody ever sees a half-filled directory: it is filled under another name and renamed.
func cached(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, name)
	if exists(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(dir) {
		return dir, nil
	}
	if err := fillAside(dir, fill); err != nil {
		return "", fmt.Errorf("prepare %s: %w", dir, err)
	}
	return dir, nil
}

func fillAside(dir string, fill func(dir string) error) error {
	aside := dir + ".part" // one name is enough: the lock is held, and a killed predecessor's rest goes with it
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if err := os.Mkdir(aside, 0o755); err != nil {
		return err
	}
	if err := fill(aside); err != nil {
		os.RemoveAll(aside)
		return err
	}
	return os.Rename(aside, dir)
}

// lock takes an exclusive lock on a file, which the system gives back when this process ends in whatever way.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := pause.For(ctx, 50*time.Millisecond); err != nil {
			f.Close()
			return nil, fmt.Errorf("wait for another process that prepares %s: %w", path, err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
