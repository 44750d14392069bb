package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// manager is the service manager's end of the socket.
type manager struct {
	*net.UnixConn
	path string
}

func listen(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{conn, path}
}

// next is the next message; the test's own time limit is the limit.
func (m *manager) next(t *testing.T) string {
	t.Helper()
	buffer := make([]byte, 4096)
	n, err := m.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func (m *manager) env(more map[string]string) func(string) string {
	return func(name string) string {
		if name == "NOTIFY_SOCKET" {
			return m.path
		}
		return more[name]
	}
}

func TestNothingIsSaidWithoutAManager(t *testing.T) {
	stop, err := Start(t.Context(), func(string) string { return "" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestReadyThenStatusThenStopping(t *testing.T) {
	m := listen(t)
	stop, err := Start(t.Context(), m.env(nil), func() Health { return Health{Status: "streaming\nwell", Well: true} })
	if err != nil {
		t.Fatal(err)
	}
	got := []string{m.next(t), m.next(t)}
	stop()
	got = append(got, m.next(t))
	if diff := cmp.Diff([]string{"READY=1", "STATUS=streaming well", "STOPPING=1"}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// TestLook goes through a life at given times.
func TestLook(t *testing.T) {
	m := listen(t)
	var h Health
	n, err := dial(m.env(map[string]string{"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}), func() Health { return h })
	if err != nil {
		t.Fatal(err)
	}
	defer n.conn.Close()
	begin := time.Now()
	at := func(seconds int, now Health) {
		h = now
		n.look(begin.Add(time.Duration(seconds) * time.Second))
	}
	at(0, Health{Status: "starting", Well: true})
	at(1, Health{Status: "streaming", Well: true})
	at(9, Health{Status: "streaming", Well: true})
	at(10, Health{Status: "streaming", Well: true})
	at(30, Health{Status: "stuck"}) // no sign of life
	at(31, Health{Status: "stuck", Stopping: true})
	at(32, Health{Status: "stopping", Stopping: true})
	n.send("end")
	var got []string
	for message := m.next(t); message != "end"; message = m.next(t) {
		got = append(got, message)
	}
	want := []string{"STATUS=starting", "WATCHDOG=1", "STATUS=streaming", "WATCHDOG=1", "STATUS=stuck", "STOPPING=1", "STATUS=stopping"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestWatchdogOfAnotherProcess(t *testing.T) {
	env := map[string]string{"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
	if got := watchdog(func(name string) string { return env[name] }); got != 0 {
		t.Errorf("watchdog of another process: every %s", got)
	}
}
