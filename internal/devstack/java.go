package devstack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// oldestJava is the oldest release that runs Kafka 4.
const oldestJava = 17

// java is the Java that runs the brokers.
type java struct {
	program string
	id      string // changes with its version: class data archives belong to one
}

// findJava looks in JAVA_HOME, then in PATH.
func findJava(ctx context.Context) (java, error) {
	program := filepath.Join(os.Getenv("JAVA_HOME"), "bin", "java")
	if os.Getenv("JAVA_HOME") == "" || !exists(program) {
		var err error
		if program, err = exec.LookPath("java"); err != nil {
			return java{}, fmt.Errorf("find Java %d or newer (Debian: apt-get install openjdk-17-jre-headless): %w", oldestJava, err)
		}
	}
	out, err := exec.CommandContext(ctx, program, "-XX:-UsePerfData", "-version").CombinedOutput()
	if err != nil {
		return java{}, fmt.Errorf("ask %s for its version: %w: %s", program, err, tail(out))
	}
	major := regexp.MustCompile(`version "(\d+)`).FindSubmatch(out)
	if major == nil {
		return java{}, fmt.Errorf("ask %s for its version: it says %q", program, tail(out))
	}
	if n, err := strconv.Atoi(string(major[1])); err != nil || n < oldestJava {
		return java{}, fmt.Errorf("run Kafka with %s: it is Java %s, %d or newer is needed", program, major[1], oldestJava)
	}
	sum := sha256.Sum256(bytes.TrimSpace(out))
	return java{program: program, id: hex.EncodeToString(sum[:4])}, nil
}
