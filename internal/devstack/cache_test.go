package devstack_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestCacheIsFilledOnceAndNeverSeenHalfFull(t *testing.T) {
	t.Setenv("DEVSTACK_CACHE", t.TempDir())
	var fills atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := devstack.Cached(t.Context(), "thing", func(dir string) error {
				fills.Add(1)
				return errors.Join(write(dir, "first"), write(dir, "last"))
			})
			if err != nil || !exists(filepath.Join(dir, "last")) {
				t.Errorf("%s is not full: %v", dir, err)
			}
		})
	}
	all.Wait()
	if fills.Load() != 1 {
		t.Errorf("filled %d times", fills.Load())
	}
}

func TestCacheForgetsWhatFailed(t *testing.T) {
	t.Setenv("DEVSTACK_CACHE", t.TempDir())
	broken := errors.New("no network")
	_, err := devstack.Cached(t.Context(), "thing", func(dir string) error {
		return errors.Join(write(dir, "left-over"), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	dir, err := devstack.Cached(t.Context(), "thing", func(dir string) error { return write(dir, "whole") })
	if err != nil || exists(filepath.Join(dir, "left-over")) || !exists(filepath.Join(dir, "whole")) {
		t.Errorf("the second attempt found the first one's rest: %v", err)
	}
}

// A process that is killed while it fills leaves its part, without a lock.
func TestCacheSurvivesAKilledPredecessor(t *testing.T) {
	root := t.TempDir()
	t.Setenv("DEVSTACK_CACHE", root)
	part := filepath.Join(root, "thing.part")
	if err := errors.Join(os.Mkdir(part, 0o755), write(part, "left-over"), write(root, "thing.lock")); err != nil {
		t.Fatal(err)
	}
	dir, err := devstack.Cached(t.Context(), "thing", func(dir string) error { return write(dir, "whole") })
	if err != nil || exists(filepath.Join(dir, "left-over")) {
		t.Errorf("the predecessor's rest is in the cache: %v", err)
	}
}

func write(dir, name string) error { return os.WriteFile(filepath.Join(dir, name), nil, 0o600) }
