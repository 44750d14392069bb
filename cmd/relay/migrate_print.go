package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations"
)

func newCmdMigratePrint(a *app, runF func(opts migrations.Options, names []string) error) *cobra.Command {
	if runF == nil {
		runF = a.migratePrint
	}
	var opts migrations.Options
	cmd := &cobra.Command{
		Use:   "print [MIGRATION...]",
		Short: "Print the SQL of the migrations",
		Long: `Print the SQL of the migrations that every outbox needs, or of those that are named. Apply it in one transaction as the
role that shall own the outbox; it needs no extension and no superuser, and locks no existing table. With --role-app and
--role-relay the grants are part of it.`,
		Example: `  relay migrate print --role-app shop --role-relay relay | psql -1 -v ON_ERROR_STOP=1 -f - shop
  relay migrate print inbox`,
		ValidArgs: migrationNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := a.format(cmd, "sql"); err != nil {
				return err
			}
			names, err := namedMigrations(cmd, args)
			if err != nil {
				return err
			}
			return runF(opts, names)
		},
	}
	nameFlags(cmd.Flags(), &opts)
	exits(cmd, fault.ExitDone)
	return cmd
}

func (a *app) migratePrint(opts migrations.Options, names []string) error {
	sql, err := migrations.Print(opts, names...)
	if err != nil {
		return &fault.Error{Code: fault.Usage, Summary: "cannot print migrations", Err: err, Hint: "`relay migrate print --help` shows usage and examples."}
	}
	_, err = io.WriteString(a.out, sql)
	return err
}
