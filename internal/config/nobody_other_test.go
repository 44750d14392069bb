//go:build !linux

package config_test

import (
	"os"
	"testing"
)

// asNobody runs f, unless this user may read every file.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("root may read every file")
	}
	f()
}
