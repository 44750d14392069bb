package main

import (
	"io"
	"slices"
	"strconv"
	"strings"

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
	flags := cmd.Flags()
	flags.StringVar(&opts.AppRole, "role-app", "", "grant to this role what an application needs to write events")
	flags.StringVar(&opts.RelayRole, "role-relay", "", "grant to this role what Relay needs beyond REPLICATION")
	flags.StringVar(&opts.Schema, "schema", "outbox", "schema of the outbox")
	flags.StringVar(&opts.Inbox, "schema-inbox", "inbox", "schema of the inbox")
	flags.StringVar(&opts.Publication, "publication", "outbox", "name of the publication")
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

func migrationNames() []string {
	var names []string
	for _, m := range migrations.List() {
		names = append(names, m.Name)
	}
	return names
}

// namedMigrations takes outbox, 1, 0001 and 0001_outbox.sql for the same.
func namedMigrations(cmd *cobra.Command, args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		i := slices.IndexFunc(migrations.List(), func(m migrations.Migration) bool {
			n, err := strconv.Atoi(arg)
			return arg == m.Name || arg == m.File() || err == nil && n == m.Number
		})
		if i < 0 {
			return nil, usageError(cmd, "no migration %q; there are %s", arg, strings.Join(migrationNames(), ", "))
		}
		names = append(names, migrations.List()[i].Name)
	}
	return names, nil
}
