package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const unitFile = "../../deploy/relay.service"

// TestUnitKeepsItsPromises: what the documentation says of the unit is in it.
func TestUnitKeepsItsPromises(t *testing.T) {
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, want := range []string{
		"Type=notify", "Restart=always", "RestartPreventExitStatus=2 3 4", "WatchdogSec=30s", "RuntimeDirectory=relay",
		"ExecReload=/usr/bin/relay reload -c /etc/relay/relay.yaml", "User=relay",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%s lacks %q", unitFile, want)
		}
	}
}

// TestUnitIsUnderstood by systemd itself, where that is installed: an unknown key would be ignored by it.
func TestUnitIsUnderstood(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not here")
	}
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The program must exist for systemd, and another unit of this name may be installed here.
	unit := filepath.Join(t.TempDir(), "relay-under-test.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/relay", self)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
