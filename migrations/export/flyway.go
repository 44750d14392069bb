package export

import "regexp"

// flyway: https://documentation.red-gate.com/flyway/flyway-concepts/migrations/versioned-migrations. It has no way down
// but scripts of their own (U...), so there is none. It would replace ${...}.
func flyway() tool {
	return tool{
		name: "flyway",
		numbers: &numbering{
			file:  regexp.MustCompile(`^[VB](\d+(?:[._]\d+)*)__(.+)\.(?:sql|java|class|kt)$`),
			width: 1, recursive: true, parts: true,
		},
		forbidden: "${",
		scripts: func(s source, version string) []File {
			return []File{{Path: "V" + version + "__" + s.name + ".sql", Text: s.up}}
		},
		next: "flyway -locations=filesystem:%s migrate",
	}
}
