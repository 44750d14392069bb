package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryRefusalHasAHint: whoever is refused is told what to do. It looks at the calls that make refusals.
func TestEveryRefusalHasAHint(t *testing.T) {
	hintOf := map[string]int{"refuse": 3, "refusal": 3} // index of the argument
	found := 0
	for _, dir := range []string{"../guard", "../relay"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name, ok := call.Fun.(*ast.Ident)
				if !ok {
					return true
				}
				at, ok := hintOf[name.Name]
				if !ok || len(call.Args) <= at {
					return true
				}
				found++
				if hint, ok := call.Args[at].(*ast.BasicLit); ok && len(hint.Value) <= len(`""`) {
					t.Errorf("%s: a refusal without a hint", files.Position(call.Pos()))
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 30 {
		t.Errorf("found only %d refusals: are they made otherwise now?", found)
	}
}
