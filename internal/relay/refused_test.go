package relay

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/status"
)

// TestTroubleIsSaidOnce: a broker that hangs is reached from another port by every session.
func TestTroubleIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	cfg := Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Status: status.New("r")}
	d := &daemon{cfg: &cfg}
	trouble := func(port int, what string) error {
		return fmt.Errorf("look up topics at broker k:9092: read tcp 10.0.0.1:%d->10.0.0.2:9092: %s", port, what)
	}
	for port := range 10 {
		d.report(status.Unreachable, trouble(30000+port, "i/o timeout"))
	}
	d.report(status.Unreachable, trouble(30000, "connection reset by peer"))
	for port := range 10 {
		d.note("cannot look whether the cause of the refusal is gone", trouble(30000+port, "i/o timeout"))
	}
	if n := strings.Count(log.String(), "\n"); n != 3 {
		t.Errorf("%d lines, want one for each of three troubles:\n%s", n, log.String())
	}
}
