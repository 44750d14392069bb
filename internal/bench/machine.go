package bench

import (
	"os"
	"runtime"
	"strings"
)

// Machine is where the benchmark ran. Servers may be elsewhere.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"` // empty where it is not known
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
	Load   string `json:"load"` // averages over 1, 5 and 15 minutes before the run; empty where they are not known
	Kernel string `json:"kernel"`
}

func thisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version()}
	m.Load = strings.Join(firstN(strings.Fields(contents("/proc/loadavg")), 3), " ")
	m.Kernel = strings.TrimSpace(contents("/proc/sys/kernel/osrelease"))
	for line := range strings.Lines(contents("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// contents are empty for a file that this system does not have.
func contents(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

func firstN(words []string, n int) []string { return words[:min(n, len(words))] }
