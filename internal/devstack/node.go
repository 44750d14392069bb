package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// nodePostgres is the release of node-postgres that npm fetches where the system has none.
const nodePostgres = "8.16.3"

// debianModules is where Debian installs modules; its own Node looks there, others must be told.
const debianModules = "/usr/share/nodejs"

// Node prepares a run of a Node program that requires pg: with the system's module if there is one, else with one that
// npm fetches at first use.
func Node(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("find Node (Debian: apt-get install nodejs node-pg): %w", err)
	}
	node := func(modules string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules+string(filepath.ListSeparator)+os.Getenv("NODE_PATH"))
		return cmd
	}
	if node(debianModules, "-e", `require("pg")`).Run() == nil {
		return node(debianModules, args...), nil
	}
	dir, err := cached(ctx, "node-pg-"+nodePostgres, func(dir string) error { return fetchModule(ctx, dir, "pg@"+nodePostgres) })
	if err != nil {
		return nil, err
	}
	return node(filepath.Join(dir, "node_modules"), args...), nil
}

func fetchModule(ctx context.Context, dir, module string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("fetch %s: npm is needed once, or the module itself (Debian: apt-get install node-pg): %w", module, err)
	}
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch %s: %w: %s", module, err, tail(out))
	}
	return nil
}
