package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/docs"
)

// TestEveryCodeHasAPage compares the pages with the constants of internal/fault, both ways.
func TestEveryCodeHasAPage(t *testing.T) {
	codes := errorCodes(t)
	if pages := docs.ErrorCodes(); !slices.Equal(codes, pages) {
		t.Errorf("codes %v\npages %v", codes, pages)
	}
	for _, code := range codes {
		page, err := docs.ErrorPage(code)
		if err != nil {
			continue // said above
		}
		if !strings.HasPrefix(page, "# "+code+": ") {
			t.Errorf("%s begins with %q", code, strings.SplitN(page, "\n", 2)[0])
		}
		if !strings.Contains(page, "\n## What to do\n") {
			t.Errorf("%s does not say what to do", code)
		}
	}
}

// errorCodes are the numbers of the Code constants as they are printed, ascending.
func errorCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/fault/code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return true
		}
		for _, v := range spec.Values {
			codes = append(codes, "RLY"+v.(*ast.BasicLit).Value)
		}
		return true
	})
	slices.Sort(codes)
	return codes
}
