package export

import "regexp"

// golangMigrate: https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md. Without a down file it would go down
// and run nothing. It sends a file as one simple query, which is one transaction.
func golangMigrate() tool {
	return tool{
		name:    "golang-migrate",
		numbers: &numbering{file: regexp.MustCompile(`^(\d+)_(.+)\.(?:up|down)\..+$`), width: 6},
		scripts: func(s source, version string) []File {
			base := version + "_" + s.name
			return []File{{Path: base + ".up.sql", Text: s.up}, {Path: base + ".down.sql", Text: s.down}}
		},
		next: "migrate -path %s -database \"$OWNER_URL\" up",
	}
}
