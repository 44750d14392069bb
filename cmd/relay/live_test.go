package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLiveWithoutServers starts the real daemon with nobody to talk to: it stays up, is alive and not ready, says why,
// shows metrics, prints no secret, and ends with 0 on SIGTERM.
func TestLiveWithoutServers(t *testing.T) {
	dir := t.TempDir()
	config := "name: payments\nsource: {url: 'postgres://relay:hunter2@127.0.0.1:1/shop'}\nkafka: {brokers: ['" + unusedAddress(t) + "']}\nserver: {listen: '127.0.0.1:0'}\n"
	if err := os.WriteFile(filepath.Join(dir, "relay.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "relay", "run", "--set", "log.level=debug")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	started := nextLine(t, lines, "relay started")
	unreachable := nextLine(t, lines, "not streaming")
	if unreachable["state"] != "unreachable" || unreachable["code"] != "RLY5002" {
		t.Errorf("log line %v", unreachable)
	}
	base := "http://" + started["listen"].(string)
	var all strings.Builder
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/":        {http.StatusOK, "<title>payments is unreachable</title>"},
		"/livez":   {http.StatusOK, "ok"},
		"/readyz":  {http.StatusServiceUnavailable, `"code": "RLY5002"`},
		"/metrics": {http.StatusOK, `relay_state{relay="payments",state="unreachable"} 1`},
		"/status":  {http.StatusOK, `"state": "unreachable"`},
	} {
		code, text := fetch(t, base+path)
		if code != want.code || !strings.Contains(text, want.text) {
			t.Errorf("%s answers %d, want %d with %q:\n%s", path, code, want.code, want.text, text)
		}
		all.WriteString(text)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	nextLine(t, lines, "stopped")
	rest, err := io.ReadAll(stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("relay run: %v\n%s", err, rest)
	}
	if strings.Contains(all.String()+string(rest), "hunter2") {
		t.Error("the password was shown")
	}
}

// nextLine reads log lines until one has the message.
func nextLine(t *testing.T, lines *bufio.Scanner, message string) map[string]any {
	t.Helper()
	for lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", lines.Text(), err)
		}
		if strings.Contains(lines.Text(), "hunter2") {
			t.Errorf("the password is in %s", lines.Text())
		}
		if line["msg"] == message {
			return line
		}
	}
	t.Fatalf("the log ended without %q: %v", message, lines.Err())
	return nil
}

func fetch(t *testing.T, url string) (code int, text string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
