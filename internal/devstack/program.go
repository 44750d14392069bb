package devstack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Program is a program of others that tests run beside the servers, as people do.
type Program struct {
	path string
	args []string // that come first
}

// Command is a run of the program.
func (p Program) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, p.path, append(slices.Clone(p.args), args...)...)
}

// goProgram builds a program that is a Go module, once, and keeps it in the cache. It is built as its authors pinned it,
// so it asks nothing of the go.mod of whoever tests with it. pkg is the path of its main package.
func goProgram(ctx context.Context, pkg, version string, tags ...string) (Program, error) {
	name := strings.NewReplacer("/", "-", ".", "-").Replace(pkg) + "-" + version
	dir, err := cached(ctx, name+"-"+runtime.GOOS+"-"+runtime.GOARCH, func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "install", "-tags", strings.Join(tags, ","), pkg+"@"+version)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s %s: %w: %s", pkg, version, err, tail(out.Bytes()))
		}
		return nil
	})
	if err != nil {
		return Program{}, err
	}
	return Program{path: filepath.Join(dir, binaryName(pkg))}, nil
}

// binaryName is what go install calls the program: the last part of the path that is not a version, as in tern/v2.
func binaryName(pkg string) string {
	base := path.Base(pkg)
	if regexp.MustCompile(`^v\d+$`).MatchString(base) {
		base = path.Base(path.Dir(pkg))
	}
	return base
}

// javaProgram fetches the profile of pom.xml with that name, whose version is its property, and runs a class of it.
// classes are directories of further ones.
func javaProgram(ctx context.Context, profile, mainClass string, classes ...string) (Program, error) {
	version, err := pomVersion(profile)
	if err != nil {
		return Program{}, err
	}
	java, err := findJava(ctx)
	if err != nil {
		return Program{}, err
	}
	dir, err := cached(ctx, profile+"-"+version, func(dir string) error {
		return fetchArtifacts(ctx, dir, profile)
	})
	if err != nil {
		return Program{}, err
	}
	jars, err := classpath(dir)
	if err != nil {
		return Program{}, err
	}
	jars = strings.Join(append(classes, jars), string(filepath.ListSeparator))
	quick := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx256m"}
	return Program{path: java.program, args: append(quick, "-cp", jars, mainClass)}, nil
}
