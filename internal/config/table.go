package config

import (
	"strings"
	"unicode/utf8"
)

// isTable tells whether s is schema.table as SQL writes it: a name without quotes is folded to lower case, one in double
// quotes is taken as it is, with "" for a quote in it.
func isTable(s string) bool {
	schema, rest, ok := identifier(s)
	if !ok || schema == "" || !strings.HasPrefix(rest, ".") {
		return false
	}
	table, rest, ok := identifier(rest[1:])
	return ok && table != "" && rest == ""
}

// identifier reads a name and gives it as the catalogue has it, and what follows.
func identifier(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		name, rest, ok = quoted(s[1:])
	} else {
		end := strings.IndexFunc(s, func(r rune) bool { return !inIdentifier(r) })
		if end < 0 {
			end = len(s)
		}
		name, rest = lowerASCII(s[:end]), s[end:]
		ok = strings.IndexAny(name, "$0123456789") != 0
	}
	return name, rest, ok && len(name) <= maxIdentifier && !strings.ContainsRune(name, 0)
}

func quoted(s string) (name, rest string, ok bool) {
	var b strings.Builder
	for {
		part, after, closed := strings.Cut(s, `"`)
		b.WriteString(part)
		if !closed || !strings.HasPrefix(after, `"`) {
			return b.String(), after, closed
		}
		b.WriteByte('"')
		s = after[1:]
	}
}

func inIdentifier(r rune) bool {
	return r == '_' || r == '$' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf
}

// lowerASCII folds as Postgres does in a database of UTF-8.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
