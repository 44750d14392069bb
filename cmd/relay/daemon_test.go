package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// TestDaemonIsSpokenTo starts the real program without servers and speaks to it in every way: commands, signals, and
// what it tells a service manager.
func TestDaemonIsSpokenTo(t *testing.T) {
	d := startDaemon(t)
	stdout, _ := d.relay(t, fault.ExitDone, "pause")
	wants(t, stdout, "payments is paused", "at the moment", "a standby goes on only after it has ended")
	stdout, _ = d.relay(t, fault.ExitDone, "pause", "-o", "json")
	var answer admin.Answer
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || answer.Kind != "Admin" || answer.Status.Paused == nil {
		t.Errorf("answer %s, %v", stdout, err)
	}
	stdout, _ = d.relay(t, fault.ExitDone, "resume")
	wants(t, stdout, "payments is")

	d.configure(t, "server: {listen: '127.0.0.1:1', admin_socket: '"+d.socket+"'}\nlog: {level: debug}\n")
	stdout, stderr := d.relay(t, fault.ExitDone, "reload")
	wants(t, stdout, "has loaded its configuration again")
	wants(t, stderr, "Warning: server.listen takes effect when the process is started again")

	d.configure(t, "server: {listen: '127.0.0.1:0', admin_socket: '"+d.socket+"'}\nbatch: {memory: 1}\n")
	_, stderr = d.relay(t, fault.ExitConfig, "reload")
	wants(t, stderr, "[RLY3001]", "batch.memory")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	line := nextLine(t, d.lines, "configuration not loaded: the relay goes on as it was")
	if line["code"] != "RLY3001" {
		t.Errorf("log line %v", line)
	}
	d.configure(t, "source: {url: 'postgres://relay:hunter2@127.0.0.1:1/shop', slot: other}\nserver: {listen: '127.0.0.1:0', admin_socket: '"+d.socket+"'}\n")
	_, stderr = d.relay(t, fault.ExitConfig, "reload")
	wants(t, stderr, `source.slot cannot change from "relay_payments" to "other"`, "Hint:")

	d.wantTold(t, "READY=1", "STATUS=unreachable: ")
	d.stop(t)
	d.wantTold(t, "STOPPING=1")
	_, stderr = d.relay(t, fault.ExitUnreachable, "resume")
	wants(t, stderr, "relay: cannot resume:", "[RLY5003]", d.socket)
}

// spokenTo is a daemon that runs.
type spokenTo struct {
	dir, socket string
	cmd         *exec.Cmd
	lines       *bufio.Scanner
	manager     *net.UnixConn // where a service manager listens
}

const nowhere = "source: {url: 'postgres://relay:hunter2@127.0.0.1:1/shop'}\n"

func startDaemon(t *testing.T) *spokenTo {
	t.Helper()
	d := &spokenTo{dir: t.TempDir()}
	d.socket = filepath.Join(d.dir, "admin.sock")
	d.configure(t, "server: {listen: '127.0.0.1:0', admin_socket: '"+d.socket+"'}\n")
	d.cmd = exec.CommandContext(t.Context(), "relay", "run")
	d.cmd.Dir = d.dir
	d.listen(t)
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.lines = bufio.NewScanner(stderr)
	if started := nextLine(t, d.lines, "relay started"); started["admin"] != d.socket {
		t.Errorf("started %v", started)
	}
	return d
}

// listen is a service manager that starts the daemon.
func (d *spokenTo) listen(t *testing.T) {
	t.Helper()
	path := filepath.Join(d.dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() })
	d.manager = manager
	d.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+path)
}

// wantTold reads what the service manager is told until each of these was said, in this order.
func (d *spokenTo) wantTold(t *testing.T, starts ...string) {
	t.Helper()
	buffer := make([]byte, 1<<16)
	for _, start := range starts {
		for told := ""; !strings.HasPrefix(told, start); {
			n, err := d.manager.Read(buffer)
			if err != nil {
				t.Fatalf("waiting to be told %s: %v", start, err)
			}
			told = string(buffer[:n])
		}
	}
}

// configure writes the configuration with these sections; source is nobody's address unless they have it.
func (d *spokenTo) configure(t *testing.T, sections string) {
	t.Helper()
	if !strings.Contains(sections, "source:") {
		sections += nowhere
	}
	text := fmt.Sprintf("name: payments\nkafka: {brokers: ['%s']}\n%s", unusedAddress(t), sections)
	if err := os.WriteFile(filepath.Join(d.dir, "relay.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// relay runs a command in the daemon's directory.
func (d *spokenTo) relay(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr = (&rig{dir: d.dir}).relay(t, want, args...)
	if strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("relay %s shows the password:\n%s%s", strings.Join(args, " "), stdout, stderr)
	}
	return stdout, stderr
}

func (d *spokenTo) stop(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	nextLine(t, d.lines, "stopped")
	for d.lines.Scan() {
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("relay run: %v", err)
	}
}

// TestPausedAnswer: what a pause costs is said, with the server's limit or without.
func TestPausedAnswer(t *testing.T) {
	c := config.Default()
	c.Source.Slot = "relay_payments"
	for name, tt := range map[string]struct {
		slot status.Slot
		want string
	}{
		"limit":    {status.Slot{Flush: 1 << 20, WALEnd: 17 << 20, SafeBytes: 50 << 30}, "Postgres keeps 16MiB of WAL for it now, and all that comes; after 50GiB more the slot is lost."},
		"no limit": {status.Slot{Flush: 1 << 20, WALEnd: 17 << 20, SafeBytes: -1}, "Postgres keeps 16MiB of WAL for it now, and all that comes; it has no limit (max_slot_wal_keep_size), so the disk is the limit."},
	} {
		t.Run(name, func(t *testing.T) {
			tr := status.New("payments", status.WithBuild("1.0.0", "relay-0"))
			tr.SetState(status.Streaming, "", 0)
			tr.SlotSeen(tt.slot)
			tr.Paused("alice")
			var b strings.Builder
			if err := writePaused(&b, c, &admin.Answer{Status: tr.View()}); err != nil {
				t.Fatal(err)
			}
			wants(t, b.String(), "payments is paused (relay-0, pid", "It keeps slot relay_payments and publishes nothing.", tt.want, "`relay resume` ends the pause")
		})
	}
}
