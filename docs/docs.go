// Package docs holds the pages of the documentation that the program prints itself.
package docs

import (
	"embed"
	"fmt"
)

//go:embed errors/RLY*.md
var errorPages embed.FS

// ErrorPage is the page of an error code, as RLY1003, in Markdown.
func ErrorPage(code string) (string, error) {
	text, err := errorPages.ReadFile("errors/" + code + ".md")
	if err != nil {
		return "", fmt.Errorf("no page for code %q", code)
	}
	return string(text), nil
}

// ErrorCodes are the codes that have a page, in ascending order.
func ErrorCodes() []string {
	entries, err := errorPages.ReadDir("errors")
	if err != nil {
		panic(err) // embedded, so it is there
	}
	codes := make([]string, 0, len(entries))
	for _, e := range entries {
		codes = append(codes, e.Name()[:len("RLY0000")])
	}
	return codes
}
