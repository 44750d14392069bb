package layout

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuaranteesNameTests: each test that docs/guarantees.md calls a proof exists, its case too where one is named.
func TestGuaranteesNameTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	proofs := regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9]+)(?:/([A-Za-z0-9_]+))?`").FindAllStringSubmatch(string(page), -1)
	if len(proofs) < 40 {
		t.Errorf("only %d tests are named", len(proofs))
	}
	for _, proof := range proofs {
		source := testSource(t, proof[1])
		if !strings.Contains(source, "\nfunc "+proof[2]+"(") {
			t.Errorf("%s has no %s", proof[1], proof[2])
		}
		if name := strings.ReplaceAll(proof[3], "_", " "); name != "" && !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("%s has no case %q", proof[1], name)
		}
	}
}

// TestEveryClaimHasAProof: a line of the table of claims without a test is only a claim.
func TestEveryClaimHasAProof(t *testing.T) {
	page, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## Claims\n")
	claims, _, ended := strings.Cut(rest, "\n## ")
	if !found || !ended {
		t.Fatal("the page has no section of claims")
	}
	for line := range strings.Lines(claims) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| claim") && !strings.Contains(line, ".Test") {
			t.Errorf("no test proves: %s", line)
		}
	}
}

func testSource(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	return source.String()
}
