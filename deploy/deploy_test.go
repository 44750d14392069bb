// Package deploy checks what operators load into other programs.
package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type rulesFile struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func alerts(t *testing.T) rulesFile {
	t.Helper()
	text, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var f rulesFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestEveryAlertHasARunbook, and every runbook an alert, and a test of its own for promtool.
func TestEveryAlertHasARunbook(t *testing.T) {
	tests, err := os.ReadFile("prometheus/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range alerts(t).Groups {
		for _, r := range g.Rules {
			names = append(names, r.Alert+".md")
			if want := "docs/runbooks/" + r.Alert + ".md"; r.Annotations["runbook"] != want {
				t.Errorf("%s: runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
			}
			fires := regexp.MustCompile(`alertname: ` + r.Alert + `\s+exp_alerts:`)
			if !fires.Match(tests) {
				t.Errorf("%s: no test in which it fires", r.Alert)
			}
		}
	}
	entries, err := os.ReadDir("../docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, e := range entries {
		pages = append(pages, e.Name())
	}
	slices.Sort(names)
	if !slices.Equal(names, pages) {
		t.Errorf("alerts %v\npages  %v", names, pages)
	}
}

// TestMetricsExist: rules and dashboard ask for metrics that there are, by the list that internal/status keeps.
func TestMetricsExist(t *testing.T) {
	list, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(relay_\\w+)` \\| (\\w+)").FindAllStringSubmatch(string(list), -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			known[m[1]+"_bucket"] = true
		}
	}
	if len(known) < 20 {
		t.Fatalf("found only %d metrics in docs/metrics.md", len(known))
	}
	for where, exprs := range map[string][]string{"alerts.yml": ruleExprs(t), "relay.json": panelExprs(t)} {
		if len(exprs) < 10 {
			t.Errorf("%s: found only %d expressions", where, len(exprs))
		}
		for _, expr := range exprs {
			for _, name := range regexp.MustCompile(`\brelay_\w+`).FindAllString(expr, -1) {
				if !known[name] {
					t.Errorf("%s: there is no metric %s: %s", where, name, expr)
				}
			}
		}
	}
}

func ruleExprs(t *testing.T) (exprs []string) {
	for _, g := range alerts(t).Groups {
		for _, r := range g.Rules {
			exprs = append(exprs, r.Expr)
		}
	}
	return exprs
}

func panelExprs(t *testing.T) (exprs []string) {
	t.Helper()
	text, err := os.ReadFile("grafana/relay.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	return exprs
}

// TestPromtool checks the rules, runs their tests, and parses the dashboard's expressions as rules.
func TestPromtool(t *testing.T) {
	promtool := findPromtool(t)
	run := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command(promtool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("prometheus", "check", "rules", "alerts.yml")
	run("prometheus", "test", "rules", "alerts_test.yml")

	var rules strings.Builder
	rules.WriteString("groups: [{name: dashboard, rules: [\n")
	for _, expr := range panelExprs(t) {
		expr = strings.NewReplacer("$__rate_interval", "1m", "$relay", "payments").Replace(expr)
		rules.WriteString("  {record: 'a:b', expr: '" + strings.ReplaceAll(expr, "'", "''") + "'},\n")
	}
	rules.WriteString("]}]\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dashboard.yml"), []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(dir, "check", "rules", "--lint=none", "dashboard.yml")
}

// findPromtool looks where scripts/prereqs puts it. Only who has no Debian does without it, never CI.
func findPromtool(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("promtool"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "relay-promtool", "usr", "bin", "promtool")
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is not there: scripts/prereqs gets it with EXAMPLES=1")
		}
		t.Skip("promtool is not there: scripts/prereqs gets it with EXAMPLES=1 on Debian and Ubuntu")
	}
	return path
}
