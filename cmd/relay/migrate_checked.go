package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/outbox-relay/relay/migrations/check"
)

// checkedObject is one result as it is listed.
type checkedObject struct {
	check.Result
	OK bool `json:"ok"`
}

// checkDocument is the document of migrate check.
type checkDocument struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Items      []checkedObject `json:"items"`
}

// writeChecked prints what is wanting; wide adds what is not.
func (a *app) writeChecked(results []check.Result, format string) error {
	switch format {
	case "json", "yaml":
		d := checkDocument{APIVersion: "relay/v1", Kind: "MigrationCheck", Items: []checkedObject{}}
		for _, r := range results {
			d.Items = append(d.Items, checkedObject{Result: r, OK: r.OK()})
		}
		return writeDocument(a.out, format, d)
	case "sql":
		return writeMending(a.out, results)
	}
	var b strings.Builder
	wanting := false
	for _, r := range results {
		wanting = wanting || !r.OK()
		switch {
		case !r.OK():
			fmt.Fprintf(&b, "FAIL  %s %s\n%s", r.Object, r.Problem, indent(r.SQL, "        "))
		case format == "wide":
			fmt.Fprintf(&b, "ok    %s\n", r.Object)
		}
	}
	if !wanting {
		fmt.Fprintf(&b, "ok    %d objects, all as this version of Relay needs them\n", len(results))
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

// writeMending prints the SQL alone, each statement once: two problems may have the same remedy.
func writeMending(w io.Writer, results []check.Result) error {
	written := map[string]bool{}
	for _, r := range results {
		if r.OK() || written[r.SQL] {
			continue
		}
		written[r.SQL] = true
		if _, err := fmt.Fprintf(w, "-- %s %s\n%s\n", r.Object, strings.ReplaceAll(r.Problem, "\n", " "), strings.TrimRight(r.SQL, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// indent puts a text below a line.
func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(by+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	return b.String()
}
