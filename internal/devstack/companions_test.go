package devstack_test

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestCompanions(t *testing.T) {
	c, err := devstack.NewCompanions("relay-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	file := filepath.Join(c.Dir(), "said")
	short := osexec.Command("sh", "-c", `echo "$$ $1" > "$0"; exit 3`, file, "a b")
	if err := c.Start(short); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(short); err == nil || short.ProcessState.ExitCode() != 3 {
		t.Errorf("exit code is %d, %v, want 3", short.ProcessState.ExitCode(), err)
	}
	said, err := os.ReadFile(file)
	pid, argument, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	if err != nil || argument != "a b" || pid != strconv.Itoa(short.Process.Pid) {
		t.Errorf("it says %q, %v, want its process id %d and its argument", said, err, short.Process.Pid)
	}

	if err := c.Start(osexec.Command("relay-no-such-program")); err == nil {
		t.Error("a program that is not there was started")
	}

	long := osexec.Command("sleep", "600")
	if err := c.Start(long); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Wait(long); err == nil {
		t.Error("the program ended well, want killed")
	}
	if exists(c.Dir()) {
		t.Errorf("%s is still there", c.Dir())
	}
}
