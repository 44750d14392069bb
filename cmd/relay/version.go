package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build describes this program.
type build struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

// buildVersion reads what the toolchain wrote into the binary.
func buildVersion() build {
	b := build{APIVersion: "relay/v1", Kind: "Version", Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

func newCmdVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of this program, the commit it was built from and its platform.",
		Example: "  relay version\n  relay version -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "text", "json", "yaml")
			if err != nil {
				return err
			}
			b := buildVersion()
			if format != "text" {
				return writeDocument(a.out, format, b)
			}
			_, err = fmt.Fprintf(a.out, "relay %s %s %s\n", b.Version, b.Go, b.Platform)
			return err
		},
	}
	exits(cmd, 0)
	return cmd
}
