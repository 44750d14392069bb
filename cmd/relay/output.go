package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
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

// writeDocument prints v as JSON or YAML. v carries apiVersion and kind.
func writeDocument(w io.Writer, format string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	if format == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return fmt.Errorf("write yaml: %w", err)
		}
	}
	_, err = fmt.Fprintln(w, strings.TrimRight(string(text), "\n"))
	return err
}

// table prints aligned columns.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer, noHeaders bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	lines := t.rows
	if !noHeaders {
		lines = append([][]string{t.header}, lines...)
	}
	for _, cells := range lines {
		if _, err := fmt.Fprintln(tw, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}
