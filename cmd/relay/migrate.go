package main

import "github.com/spf13/cobra"

func newCmdMigrate(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "migrate",
		Short: "The SQL of the outbox: show it, export it, compare a database with it",
		Long: `The outbox table, its function and its publication are plain SQL for Postgres 13 and newer. Relay applies none of it:
the team's own migration tool is the only writer of its schema.`,
		Example: "  relay migrate export --tool flyway --dir db/migration --role-app shop --role-relay relay\n  relay migrate check --role-app shop\n" +
			"  relay migrate list\n  relay migrate print --role-app shop --role-relay relay | psql -1 -v ON_ERROR_STOP=1 -f - shop",
	}, newCmdMigrateList(a, nil), newCmdMigratePrint(a, nil), newCmdMigrateExport(a, nil), newCmdMigrateCheck(a, nil))
}
