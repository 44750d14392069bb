package devstack

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed pom.xml
var pom []byte

// pomVersion reads a version from the properties of pom.xml, so that each version stands in one place.
func pomVersion(property string) (string, error) {
	var project struct {
		Properties struct {
			All []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"properties"`
	}
	if err := xml.Unmarshal(pom, &project); err != nil {
		return "", fmt.Errorf("read pom.xml: %w", err)
	}
	for _, p := range project.Properties.All {
		if p.XMLName.Local == property {
			return p.Value, nil
		}
	}
	return "", fmt.Errorf("pom.xml names no version for %s", property)
}

// fetchArtifacts copies the files of one profile of pom.xml into dir. properties are name=value.
func fetchArtifacts(ctx context.Context, dir, profile string, properties ...string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("fetch %s: Maven is needed once, to download it (Debian: apt-get install maven): %w", profile, err)
	}
	project, err := os.MkdirTemp("", "relay-fetch-")
	if err != nil {
		return fmt.Errorf("fetch %s: %w", profile, err)
	}
	defer os.RemoveAll(project)
	file := filepath.Join(project, "pom.xml")
	if err := os.WriteFile(file, pom, 0o600); err != nil {
		return fmt.Errorf("fetch %s: %w", profile, err)
	}
	args := []string{
		"-B", "-q", "-ntp", "-f", file, "-P", profile,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + dir,
	}
	for _, p := range properties {
		args = append(args, "-D"+p)
	}
	cmd := exec.CommandContext(ctx, mvn, args...)
	cmd.Env = append(os.Environ(), "MAVEN_OPTS=-XX:-UsePerfData "+os.Getenv("MAVEN_OPTS"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetch %s (%s) from Maven Central: %w: %s",
			profile, strings.Join(properties, " "), err, tail(out.Bytes()))
	}
	return nil
}

// platform is the name of this machine in the artifact names of the Postgres binaries.
func platform() string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	return runtime.GOOS + "-" + arch
}

// tail is the end of a program's output, enough to see why it failed.
func tail(out []byte) string {
	const most = 3000
	out = bytes.TrimSpace(out)
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return string(out)
}
