package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocsQuoteTheExamples: code in the pages about events is taken, line by line, from programs that the tests run.
func TestDocsQuoteTheExamples(t *testing.T) {
	var sources []string
	for _, dir := range []string{"emit", "consume", "../outbox"} {
		check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (dir != "../outbox" || strings.HasSuffix(path, "example_test.go")) {
				sources = append(sources, unindented(t, path))
			}
			return err
		}))
	}
	all := strings.Join(sources, "\n")
	for _, page := range []string{"../docs/emitting.md", "../docs/consuming.md"} {
		blocks := strings.Split(unindented(t, page), "\n```") // text and code in turn
		if len(blocks) < 3 {
			t.Errorf("%s has no code", page)
		}
		for i := 1; i < len(blocks); i += 2 {
			language, code, _ := strings.Cut(blocks[i], "\n")
			if language != "console" && !strings.Contains(all, "\n"+code+"\n") {
				t.Errorf("%s: this is not from an example:\n%s", page, code)
			}
		}
	}
}

// unindented is a file's text without the white space that its lines begin with.
func unindented(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString(strings.TrimLeft(line, " \t"))
	}
	return b.String()
}
