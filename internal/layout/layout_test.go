package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/outbox-relay/relay"

// clients are the libraries that belong to one package each, and the packages that may import them. Tools that start
// servers or check Relay from outside need clients of their own.
var clients = map[string][]string{
	"github.com/jackc/pglogrepl": {"replication"},
	"github.com/IBM/sarama":      {"publisher", "internal/bench", "internal/chaos", "internal/demo", "internal/devstack/..."},
	"github.com/spf13/cobra":     {"cmd/relay"},
}

// ours says what the packages with a rule may import of Relay's own; a package that is not here may import anything.
var ours = map[string][]string{
	"replication":      {},
	"outbox":           {},
	"outbox/inbox":     {"outbox"},
	"publisher":        {"outbox"},
	"migrations":       {},
	"internal/fault":   {},
	"internal/guard":   {"outbox", "publisher", "internal/fault"},
	"internal/cleanup": {"outbox", "internal/pause", "internal/status"},
}

// joiners are the packages that may know replication, outbox and publisher together: the session, and what wires it.
var joiners = []string{"internal/relay", "cmd/relay"}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps=false", "-json=ImportPath,Imports,Deps", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func name(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func within(pkg string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		tree, isTree := strings.CutSuffix(a, "/...")
		return pkg == a || isTree && (pkg == tree || strings.HasPrefix(pkg, tree+"/"))
	})
}

func TestClientsStayInTheirPackage(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for client, allowed := range clients {
				if (imported == client || strings.HasPrefix(imported, client+"/")) && !within(name(p.ImportPath), allowed) {
					t.Errorf("%s imports %s, which belongs to %v", name(p.ImportPath), imported, allowed)
				}
			}
		}
	}
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[name(p.ImportPath)] = true
		allowed, ruled := ours[name(p.ImportPath)]
		var knows int
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			if ruled && !within(name(imported), allowed) {
				t.Errorf("%s imports %s; it may import %v of ours", name(p.ImportPath), name(imported), allowed)
			}
			if within(name(imported), []string{"replication", "outbox", "publisher"}) {
				knows++
			}
		}
		if knows == 3 && !within(name(p.ImportPath), joiners) {
			t.Errorf("%s joins replication, outbox and publisher, which only %v do", name(p.ImportPath), joiners)
		}
	}
	for _, p := range []string{"replication", "outbox", "publisher", "migrations", "internal/relay", "internal/guard", "cmd/relay"} {
		if !seen[p] {
			t.Errorf("package %s is gone: the rules about it hold nothing", p)
		}
	}
}

// TestApplicationsStayLight: what applications import to write and consume events needs the standard library alone, so it
// brings no client of Relay's along and forces no driver on them.
func TestApplicationsStayLight(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		if !within(name(p.ImportPath), []string{"outbox", "outbox/..."}) {
			continue
		}
		seen[name(p.ImportPath)] = true
		for _, dep := range p.Deps {
			if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") && !strings.HasPrefix(dep, module+"/outbox") {
				t.Errorf("%s pulls in %s", name(p.ImportPath), dep)
			}
		}
	}
	for _, p := range []string{"outbox", "outbox/inbox"} {
		if !seen[p] {
			t.Errorf("package %s is gone: this test holds nothing", p)
		}
	}
}
