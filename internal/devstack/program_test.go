package devstack

import "testing"

func TestBinaryName(t *testing.T) {
	for pkg, want := range map[string]string{
		"github.com/jackc/tern/v2":              "tern",
		"github.com/pressly/goose/v3/cmd/goose": "goose",
		"example.com/cmd/v":                     "v",
		"example.com/cmd/view":                  "view",
	} {
		if got := binaryName(pkg); got != want {
			t.Errorf("%s is called %s, want %s", pkg, got, want)
		}
	}
}
