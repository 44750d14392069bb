package export

import "regexp"

// tern: https://github.com/jackc/tern#migrations. A file without the line that divides up from down is irreversible, and
// tern says so. It takes files for Go templates.
func tern() tool {
	return tool{
		name:      "tern",
		numbers:   &numbering{file: regexp.MustCompile(`^(\d+)_(.+)\.sql$`), width: 3, gapless: true},
		forbidden: "{{",
		scripts: func(s source, version string) []File {
			return []File{{Path: version + "_" + s.name + ".sql", Text: s.up}}
		},
		next: "tern migrate --migrations %s",
	}
}
