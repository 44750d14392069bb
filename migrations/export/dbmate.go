package export

import "regexp"

// dbmate: https://github.com/amacneil/dbmate#creating-migrations. It runs each half in a transaction.
func dbmate() tool {
	return tool{
		name:    "dbmate",
		numbers: &numbering{file: regexp.MustCompile(`^(\d+)_?(.*)\.sql$`)},
		scripts: func(s source, version string) []File {
			return []File{{Path: version + "_" + s.name + ".sql", Text: "-- migrate:up\n" + s.up + "\n-- migrate:down\n" + s.down}}
		},
		next: "dbmate --migrations-dir %s up",
	}
}
