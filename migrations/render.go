package migrations

import "strings"

// render puts the names into a file's text: {{.Schema}} is one, and what stands between {{if .AppRole}} and {{end}}, which
// does not nest, stays when that name is given.
//
// It looks like text/template and is not: a program with that package keeps every exported method of everything it links,
// since any may be called by name (https://pkg.go.dev/reflect#Value.MethodByName), which made relay 3 MB larger.
func (n names) render(sql string) string {
	sql = section(sql, "{{if .AppRole}}", n.AppRole != "")
	sql = section(sql, "{{if .RelayRole}}", n.RelayRole != "")
	return strings.NewReplacer(
		"{{.Schema}}", n.Schema,
		"{{.Inbox}}", n.Inbox,
		"{{.Publication}}", n.Publication,
		"{{.AppRole}}", n.AppRole,
		"{{.RelayRole}}", n.RelayRole,
	).Replace(sql)
}

// section keeps what stands between each opening mark and the {{end}} after it, or drops it.
func section(sql, open string, keep bool) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(sql, open)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		inside, after, _ := strings.Cut(rest, "{{end}}")
		if keep {
			out.WriteString(inside)
		}
		sql = after
	}
}
