package export

import "regexp"

// psql is for teams that apply files by hand or with a script of their own.
func psql() tool {
	return tool{
		name:    "psql",
		numbers: &numbering{file: regexp.MustCompile(`^(\d+)_(.+)\.sql$`), width: 4},
		scripts: func(s source, version string) []File {
			return []File{{Path: version + "_" + s.name + ".sql", Text: "\\set ON_ERROR_STOP on\nBEGIN;\n\n" + s.up + "\nCOMMIT;\n"}}
		},
		next: "psql -X \"$OWNER_URL\" -f %s/..., each new file in order",
	}
}
