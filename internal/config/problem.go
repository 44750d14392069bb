package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/outbox-relay/relay/internal/fault"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Path is the key, as "source.url"; empty when it concerns the file as a whole.
	Path string
	// Where is "relay.yaml:3:5", the name of an environment variable, "--set", or empty for a missing value.
	Where string
	// Text says what is wrong: field, value, what is allowed, and what would happen otherwise.
	Text string
	// Excerpt is the line in question and a line with the caret; nil unless it stands in a file.
	Excerpt []string
}

// String is the problem on one line.
func (p Problem) String() string {
	if p.Where == "" {
		return p.Text
	}
	return p.Where + ": " + p.Text
}

// invalid makes the error of a list of problems, nil for an empty one.
func invalid(problems []Problem) error {
	const hint = "`relay config example` prints a file with every key and its default."
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return &fault.Error{Code: fault.Config, Summary: problems[0].String(), Details: problems[0].Excerpt, Hint: hint}
	}
	e := &fault.Error{Code: fault.Config, Summary: fmt.Sprintf("%d errors in the configuration", len(problems)), Hint: hint}
	for _, p := range problems {
		e.Details = append(e.Details, p.String())
		for _, line := range p.Excerpt {
			e.Details = append(e.Details, "  "+line)
		}
	}
	return e
}

// source is the text that a problem quotes.
type source struct {
	name  string
	lines []string
}

func newSource(name string, text []byte) source {
	return source{name: name, lines: strings.Split(string(text), "\n")}
}

func (s source) where(line, column int) string {
	return fmt.Sprintf("%s:%d:%d", s.name, line, column)
}

// excerpt quotes a line up to the column end (exclusive, from 1, in characters; 0 for all of it) and puts a caret below
// column.
func (s source) excerpt(line, column, end int) []string {
	if line < 1 || line > len(s.lines) {
		return nil
	}
	text := strings.TrimRight(s.lines[line-1], "\r")
	if end == 0 && !quotable(text) {
		end = afterColon(text)
	}
	if runes := []rune(text); end > 0 && end-1 < len(runes) {
		text = string(runes[:end-1]) + " …"
	}
	gutter := fmt.Sprintf("%4d | ", line)
	return []string{gutter + text, strings.Repeat(" ", len(gutter)-2) + "| " + indentTo(text, column) + "^"}
}

// quotable tells whether a whole line may be shown: nothing in it hints at a secret.
func quotable(line string) bool {
	line = strings.ToLower(line)
	for _, hint := range []string{"url", "password", "secret", "token", "://", "@"} {
		if strings.Contains(line, hint) {
			return false
		}
	}
	return true
}

// afterColon is the column behind the first colon of a line, 1 when there is none.
func afterColon(line string) int {
	key, _, ok := strings.Cut(line, ":")
	if !ok {
		return 1
	}
	return utf8.RuneCountInString(key) + 2
}

// indentTo gives blanks as wide as the text before column, with the tabs kept.
func indentTo(text string, column int) string {
	var b strings.Builder
	for _, r := range []rune(text)[:min(column-1, utf8.RuneCountInString(text))] {
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}
