package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// nodePostgres is the release of node-postgres that npm fetches where the system has none.
const nodePostgres = "8.16.3"

// Node finds Node with the module pg: the system's module if there is one, else one that npm fetches once.
func Node(ctx context.Context) (Program, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return Program{}, fmt.Errorf("find Node (Debian: apt-get install nodejs node-pg): %w", err)
	}
	// Where Debian installs modules. Its own Node looks there anyway, others must be told.
	if p := nodeProgram(node, "/usr/share/nodejs"); p.Command(ctx, "-e", `require("pg")`).Run() == nil {
		return p, nil
	}
	dir, err := cached(ctx, "node-pg-"+nodePostgres, func(dir string) error { return fetchModule(ctx, dir, "pg@"+nodePostgres) })
	if err != nil {
		return Program{}, err
	}
	return nodeProgram(node, filepath.Join(dir, "node_modules")), nil
}

// nodeProgram is Node with a directory of modules. It is told by env(1), since a Program has no environment of its own.
func nodeProgram(node, modules string) Program {
	return Program{path: "/usr/bin/env", args: []string{"NODE_PATH=" + modules, node}}
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
