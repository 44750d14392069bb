package export

// liquibase: https://docs.liquibase.com/concepts/changelogs/sql-format.html. A changeset is known by author, id and path,
// and runs in a transaction. Without a rollback of its own Liquibase refuses to roll it back. It would replace ${...}.
func liquibase() tool {
	return tool{
		name:      "liquibase",
		forbidden: "${",
		scripts: func(s source, _ string) []File {
			return []File{{Path: s.name + ".sql", Text: "--liquibase formatted sql\n\n" +
				"--changeset relay:" + s.id + " dbms:postgresql splitStatements:false stripComments:false\n" + s.up}}
		},
		next: "include the files of %s in your changelog, unless it has includeAll, then: liquibase update",
	}
}
