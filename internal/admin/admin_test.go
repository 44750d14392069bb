package admin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a relay that notes what it is asked.
type fake struct {
	relay    string
	mu       sync.Mutex
	asked    []string
	err      error
	warnings []string
}

func (f *fake) note(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
	return f.err
}

func (f *fake) Pause(_ context.Context, by string) error { return f.note("pause by " + by) }
func (f *fake) Resume(context.Context) error             { return f.note("resume") }
func (f *fake) Reload(context.Context) ([]string, error) { return f.warnings, f.note("reload") }
func (f *fake) Status() status.View                      { return status.New(f.relay).View() }
func (f *fake) log() *slog.Logger                        { return slog.New(slog.DiscardHandler) }
func (f *fake) serve(t *testing.T, path string) (*Server, error) {
	t.Helper()
	s, err := Serve([]string{path}, f, f.log())
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

// socketPath is in a directory that only we can write to.
func socketPath(t *testing.T) string { return filepath.Join(t.TempDir(), "relay.sock") }

func TestCommandsReachTheRelay(t *testing.T) {
	f, path := &fake{relay: "payments", warnings: []string{"server.listen takes effect later"}}, socketPath(t)
	if _, err := f.serve(t, path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, c := range []Command{Pause, Resume, Reload} {
		answer, err := Ask(t.Context(), []string{filepath.Join(t.TempDir(), "missing"), path}, "payments", c)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status.Relay != "payments" || (c == Reload) != slices.Equal(answer.Warnings, f.warnings) {
			t.Errorf("%s: answer %+v", c, answer)
		}
	}
	me := userName(os.Geteuid())
	if diff := cmp.Diff([]string{"pause by " + me, "resume", "reload"}, f.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestErrorsCrossTheSocket as they are: code, details and hint.
// TestStatusChangesNothing: asking how a relay is reaches none of its commands, and only the relay that is meant answers.
func TestStatusChangesNothing(t *testing.T) {
	f := &fake{relay: "payments"}
	path := socketPath(t)
	if _, err := f.serve(t, path); err != nil {
		t.Fatal(err)
	}
	view, err := Status(t.Context(), []string{path}, "payments")
	if err != nil || view.Relay != "payments" || view.State != status.Starting || len(f.asked) != 0 {
		t.Errorf("status %+v, %v, asked %v", view, err, f.asked)
	}
	if view, err := Status(t.Context(), []string{path}, "ledger"); err == nil {
		t.Errorf("another relay answers with %+v", view)
	}
}

func TestErrorsCrossTheSocket(t *testing.T) {
	refused := &fault.Error{Code: fault.Config, Summary: "source.slot cannot change", Details: []string{"is a"}, Hint: "Take it back."}
	f, path := &fake{relay: "payments", err: refused}, socketPath(t)
	if _, err := f.serve(t, path); err != nil {
		t.Fatal(err)
	}
	_, err := Ask(t.Context(), []string{path}, "payments", Reload)
	got, ok := errors.AsType[*fault.Error](err)
	if diff := cmp.Diff(refused, got); !ok || diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestAnotherRelayIsLeftAlone(t *testing.T) {
	f, path := &fake{relay: "ledger"}, socketPath(t)
	if _, err := f.serve(t, path); err != nil {
		t.Fatal(err)
	}
	_, err := Ask(t.Context(), []string{path}, "payments", Pause)
	wantUnreachable(t, err, `relay "ledger" listens at this socket, not "payments"`)
	if len(f.asked) > 0 {
		t.Errorf("it was asked: %v", f.asked)
	}
}

// TestNobodyToAsk: each way in which no relay can be asked says which it is.
func TestNobodyToAsk(t *testing.T) {
	path := socketPath(t)
	ask := func() error {
		_, err := Ask(t.Context(), []string{path}, "payments", Pause)
		return err
	}
	wantUnreachable(t, ask(), "there is no "+path)

	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantUnreachable(t, ask(), "not a socket")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantUnreachable(t, ask(), "nobody listens")

	_, err = Ask(t.Context(), Candidates(None, "payments", ""), "payments", Pause)
	wantUnreachable(t, err, "server.admin_socket is none")
}

// TestSocketOfAnotherProgram: whatever answers, it is not taken for a relay.
func TestSocketOfAnotherProgram(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":    "220 mail.example.org ESMTP\r\n",
		"no JSON":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"other JSON": "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"kind\":\"Docker\"}",
		"nothing":    "",
	} {
		t.Run(name, func(t *testing.T) {
			path := socketPath(t)
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			var served sync.WaitGroup
			served.Go(func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, answer)
			})
			_, err = Ask(t.Context(), []string{path}, "payments", Pause)
			wantUnreachable(t, err, "does not answer as a relay")
			_ = l.Close()
			served.Wait()
		})
	}
}

// TestSecondRelayOnTheMachine does not take the socket from the first; when that is gone it may, whatever it left behind.
func TestSecondRelayOnTheMachine(t *testing.T) {
	first, second, path := &fake{relay: "payments"}, &fake{relay: "payments"}, socketPath(t)
	s, err := first.serve(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.serve(t, path); !errors.Is(err, ErrTaken) {
		t.Fatalf("the second relay gets %v", err)
	}
	if _, err := Ask(t.Context(), []string{path}, "payments", Resume); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
	// As after kill -9: the socket is there and nobody has the lock.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := second.serve(t, path); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), []string{path}, "payments", Resume); err != nil {
		t.Error(err)
	}
	if len(first.asked) != 1 || len(second.asked) != 1 {
		t.Errorf("first was asked %v, second %v", first.asked, second.asked)
	}
}

// TestUnsafePlaces are refused, and nothing that is there is touched.
func TestUnsafePlaces(t *testing.T) {
	f := &fake{relay: "payments"}
	dir := t.TempDir()
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		filepath.Join(shared, "relay.sock"):      "other users can write to directory " + shared,
		filepath.Join(dir, "link", "relay.sock"): "other users can write to directory " + shared,
		"/tmp/relay-payments.sock":               "other users can write to directory /tmp",
		filepath.Join(dir, "none", "relay.sock"): "the directory is not there",
	} {
		if _, err := f.serve(t, path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.serve(t, file); err == nil || !strings.Contains(err.Error(), "it stays as it is") {
		t.Errorf("a file: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "data" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		configured, runtime string
		want                []string
	}{
		{"", "", []string{"/run/relay/payments.sock"}},
		{"", "/run/user/7", []string{"/run/relay/payments.sock", "/run/user/7/relay-payments.sock"}},
		{"", "relative", []string{"/run/relay/payments.sock"}},
		{"/srv/relay.sock", "/run/user/7", []string{"/srv/relay.sock"}},
		{"none", "/run/user/7", nil},
	} {
		if diff := cmp.Diff(tt.want, Candidates(tt.configured, "payments", tt.runtime)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt, diff)
		}
	}
}

func wantUnreachable(t *testing.T, err error, says string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.DaemonUnreachable || !strings.Contains(f.Error(), says) || f.Hint == "" {
		t.Errorf("error %v, want %s with %q and a hint", err, fault.DaemonUnreachable, says)
	}
}
