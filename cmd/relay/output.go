package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// format is the output format: the one asked for if the command has it, else the first allowed.
func (a *app) format(cmd *cobra.Command, allowed ...string) (string, error) {
	switch {
	case a.flags.output == "":
		return allowed[0], nil
	case slices.Contains(allowed, a.flags.output):
		return a.flags.output, nil
	}
	return "", usageError(cmd, "-o %q is not an output format of %q; it has %s", a.flags.output, cmd.CommandPath(), strings.Join(allowed, ", "))
}

// apiVersion is that of all JSON and YAML documents. Within it no field is lost.
const apiVersion = "relay/v1"

// writeDocument prints v as JSON or YAML. v carries apiVersion and kind. Control characters stand as escapes.
func writeDocument(w io.Writer, format string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	document := escapeControls(string(text))
	if format == "yaml" {
		if document, err = toYAML(document); err != nil {
			return fmt.Errorf("write yaml: %w", err)
		}
	}
	_, err = fmt.Fprintln(w, strings.TrimRight(document, "\n"))
	return err
}

// escapeControls writes DEL and the C1 controls, which JSON allows inside strings, as escapes.
func escapeControls(document string) string {
	var b strings.Builder
	for _, r := range document {
		if 0x7F <= r && r <= 0x9F {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// toYAML converts JSON. The converter writes control characters as they are, which is no YAML and does things to a
// terminal, so strings with escapes for them are kept as JSON has them, which YAML reads.
func toYAML(document string) (string, error) {
	mark := "kept"
	for strings.Contains(document, mark) {
		mark += "x"
	}
	var kept []string
	document = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllStringFunc(document, func(s string) string {
		if !regexp.MustCompile(`\\(?:u00[0189]|u007f|[bfr])`).MatchString(s) {
			return s
		}
		kept = append(kept, s)
		return fmt.Sprintf("%q", fmt.Sprint(mark, len(kept), "."))
	})
	text, err := yaml.JSONToYAML([]byte(document))
	if err != nil {
		return "", err
	}
	document = string(text)
	for i, s := range kept {
		document = strings.Replace(document, fmt.Sprint(mark, i+1, "."), s, 1)
	}
	return document, nil
}

// table prints aligned columns.
type table struct {
	header []string
	rows   [][]string
	// room is how many characters a line of the terminal has; 0: any number. A table that is wider is printed as blocks, one
	// line for each cell, since wrapped lines cannot be read and cut ones lose what one looks for.
	room int
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer, noHeaders bool) error {
	lines := t.rows
	if !noHeaders {
		lines = append([][]string{t.header}, lines...)
	}
	text := align(lines)
	if t.room > 0 && widest(text) > t.room {
		text = t.blocks(noHeaders)
	}
	_, err := io.WriteString(w, text)
	return err
}

// blocks puts the cells of each row below each other, with an empty line between two rows.
func (t *table) blocks(noHeaders bool) string {
	blocks := make([]string, len(t.rows))
	for i, row := range t.rows {
		lines := make([][]string, len(row))
		for c, cell := range row {
			if noHeaders {
				lines[c] = []string{cell}
			} else {
				lines[c] = []string{t.header[c], cell}
			}
		}
		blocks[i] = align(lines)
	}
	return strings.Join(blocks, "\n")
}

// align pads the cells of each column to one width, with two blanks between and none at the end of a line.
func align(lines [][]string) string {
	var widths []int
	for _, cells := range lines {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

func widest(text string) int {
	most := 0
	for line := range strings.Lines(text) {
		most = max(most, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return most
}

// room is how many characters a line of w has, when it is a terminal, else 0.
func room(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// printable makes text of others harmless on a terminal: control characters stand as escapes.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return printable(s)
}
