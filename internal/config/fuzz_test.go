package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

// FuzzLoad: whatever a file holds, it is a configuration that prints and loads again, or an error about the
// configuration; it never panics.
func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add(config.Example())
	f.Add(minimal + "routing: {rules: [{match: {a: b}, topic: c}], headers: {id: \"\"}}\n")
	f.Add("name: [\n")
	f.Add("a: &x {b: *x}\n<<: *x\n? a\n: b\n")
	f.Add("name: |\n  a\n  b\n---\nname: b\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "relay.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Options{Path: path})
		if err != nil {
			if fault.Exit(err) != fault.ExitConfig {
				t.Errorf("exit code %d: %v", fault.Exit(err), err)
			}
			return
		}
		var b strings.Builder
		if err := l.WriteYAML(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(config.Options{Path: path}); err != nil {
			t.Errorf("printed, it does not load: %v\n%s", err, b.String())
		}
	})
}
