package export

import "regexp"

// goose: https://pressly.github.io/goose/documentation/annotations/. It splits at semicolons, which functions hold too:
// hence one statement, in goose's own transaction.
func goose() tool {
	return tool{
		name:    "goose",
		numbers: &numbering{file: regexp.MustCompile(`^(\d+)_(.+)\.(?:sql|go)$`), width: 5},
		scripts: func(s source, version string) []File {
			return []File{{Path: version + "_" + s.name + ".sql", Text: "-- +goose Up\n" + gooseStatement(s.up) +
				"\n-- +goose Down\n" + gooseStatement(s.down)}}
		},
		next: "goose -dir %s postgres \"$OWNER_URL\" up",
	}
}

func gooseStatement(sql string) string {
	return "-- +goose StatementBegin\n" + sql + "-- +goose StatementEnd\n"
}
