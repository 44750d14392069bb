package config_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f without root's right to read every file. The thread that loses it is never used again: its goroutine
// ends while locked to it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		_, err := unix.SetfsuidRetUid(unix.Getuid())
		if err == nil && unix.Getuid() == 0 {
			_, err = unix.SetfsuidRetUid(65534)
		}
		f()
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
