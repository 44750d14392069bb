package config

import (
	"fmt"
	"strings"
)

// suggestion says which key was probably meant by an unknown one: one beside it with a similar name, or one of the same
// name elsewhere. It is empty, or begins with a semicolon.
func suggestion(fs []field, path string) string {
	switch section, name := splitPath(path); {
	case name == "password":
		return "; a secret does not stand in the file: name a file that holds it in source.password_file"
	default:
		elsewhere := ""
		for _, f := range fs {
			s, n := splitPath(f.path)
			if s == section && distance(n, name) <= 2 {
				return fmt.Sprintf("; did you mean %q?", f.path)
			}
			if n == name && elsewhere == "" {
				elsewhere = fmt.Sprintf("; did you mean %q?", f.path)
			}
			if top, _, _ := strings.Cut(f.path, "."); section == "" && elsewhere == "" && distance(top, name) <= 2 {
				elsewhere = fmt.Sprintf("; did you mean %q?", top)
			}
		}
		return elsewhere
	}
}

func splitPath(path string) (section, name string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// distance is the number of letters to insert, delete or replace between a and b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
