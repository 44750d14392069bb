package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/outbox-relay/relay/internal/doctor"
)

// writeDoctor prints what was found.
func writeDoctor(w io.Writer, r *doctor.Report, format string) error {
	var b strings.Builder
	switch format {
	case "json", "yaml":
		return writeDocument(w, format, doctorDocument{APIVersion: apiVersion, Kind: "DoctorReport", Report: r})
	case "name":
		for _, f := range r.Items {
			if f.Level != doctor.OK {
				fmt.Fprintf(&b, "%s/%s\n", f.Category, f.Check)
			}
		}
	default:
		writeFindings(&b, r, format == "wide")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFindings prints a block for each category and, below what is not well, what mends it.
func writeFindings(b *strings.Builder, r *doctor.Report, wide bool) {
	var category doctor.Category
	for _, f := range r.Items {
		if f.Category != category {
			category = f.Category
			b.WriteString(strings.ToUpper(string(category[:1])) + string(category[1:]) + "\n")
		}
		line := fmt.Sprintf("  %-5s %s", levelText(f.Level), printable(f.Summary))
		if wide {
			line += " (" + string(f.Category) + "/" + f.Check + ")"
			if f.Code != "" {
				line += " [" + f.Code + "]"
			}
		}
		b.WriteString(line + "\n")
		for _, detail := range f.Details {
			b.WriteString("          " + printable(detail) + "\n")
		}
		for _, sql := range f.SQL {
			b.WriteString(indent(sql, "          "))
		}
		for _, command := range f.Commands {
			b.WriteString("          $ " + printable(command) + "\n")
		}
		if f.Hint != "" {
			b.WriteString("          " + printable(f.Hint) + "\n")
		}
	}
	fmt.Fprintf(b, "%d ok, %s, %s", r.Count(doctor.OK), plural(r.Count(doctor.Warn), "warning"), plural(r.Count(doctor.Fail), "failure"))
	if skipped := r.Count(doctor.Skip); skipped > 0 {
		fmt.Fprintf(b, ", %d could not be looked at", skipped)
	}
	b.WriteString(". Nothing was changed.\n")
}

func levelText(l doctor.Level) string {
	if l == doctor.Fail {
		return "FAIL"
	}
	return string(l)
}
