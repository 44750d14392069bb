package cleanup

import "strings"

// missingGrant is the SQL that gives the role what it lacks; empty when it lacks nothing.
func missingGrant(l look) string {
	var grants []string
	if l.schema != "" {
		grants = append(grants, "GRANT USAGE ON SCHEMA "+l.schema+" TO "+l.role)
	}
	for _, right := range []struct {
		name string
		has  func(partition) bool
	}{
		{"SELECT", func(p partition) bool { return p.readable }},
		{"TRUNCATE", func(p partition) bool { return p.freeable }},
	} {
		var tables []string
		for _, p := range l.ring {
			if !right.has(p) {
				tables = append(tables, p.name)
			}
		}
		if len(tables) > 0 {
			grants = append(grants, "GRANT "+right.name+" ON "+strings.Join(tables, ", ")+" TO "+l.role)
		}
	}
	return strings.Join(grants, "; ")
}
