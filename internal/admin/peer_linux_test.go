package admin

import (
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOtherUsersAreNotServed: even where the mode of the socket would let another user in, the kernel says who it is.
func TestOtherUsersAreNotServed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	f, path := &fake{relay: "payments"}, socketPath(t)
	if _, err := f.serve(t, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	answer := make(chan string, 1)
	errs := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		text, err := askAsNobody(path)
		answer <- text
		errs <- err
	}()
	if text := <-answer; text != "" {
		t.Errorf("another user gets %q", text)
	}
	if err := <-errs; err != nil {
		t.Logf("another user sees: %v", err)
	}
	if len(f.asked) > 0 {
		t.Errorf("the relay was asked %v", f.asked)
	}
}

// askAsNobody changes the user of this thread alone.
func askAsNobody(path string) (string, error) {
	const nobody = 65534
	keep := ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, nobody, keep); errno != 0 {
		return "", errno
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, "POST /pause HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	return string(text), err
}
