package check

import (
	"regexp"
	"strings"
)

// script is the SQL of a migration, which is also what mends a database that lacks a part of it.
type script struct {
	whole      string
	statements []string // without the comments before them, with their semicolons
}

// split cuts SQL at the semicolons that end statements: not those in comments, quotes and bodies of functions.
func split(sql string) script {
	s := script{whole: sql}
	token := regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$[a-z]*\$|;`)
	var statement strings.Builder
	for rest := sql; ; {
		at := token.FindStringIndex(rest)
		if at == nil {
			return s
		}
		found := rest[at[0]:at[1]]
		end := at[1]
		if found[0] == '$' { // a body goes to the next mark of the same name
			end += strings.Index(rest[end:], found) + len(found)
			found = rest[at[0]:end]
		}
		statement.WriteString(rest[:at[0]])
		if !strings.HasPrefix(found, "--") || strings.TrimSpace(statement.String()) != "" {
			statement.WriteString(found)
		}
		if found == ";" {
			s.statements = append(s.statements, strings.TrimSpace(statement.String()))
			statement.Reset()
		}
		rest = rest[end:]
	}
}

// with gives the statement that has these words in it, empty if none has.
func (s script) with(words string) string {
	for _, statement := range s.statements {
		if strings.Contains(statement, words) {
			return statement
		}
	}
	return ""
}
