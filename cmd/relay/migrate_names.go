package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outbox-relay/relay/migrations"
)

// nameFlags are the names that stand in the SQL.
func nameFlags(flags *pflag.FlagSet, opts *migrations.Options) {
	flags.StringVar(&opts.AppRole, "role-app", "", "grant to this role what an application needs to write events")
	flags.StringVar(&opts.RelayRole, "role-relay", "", "grant to this role what Relay needs beyond REPLICATION")
	flags.StringVar(&opts.Schema, "schema", "outbox", "schema of the outbox")
	flags.StringVar(&opts.Inbox, "schema-inbox", "inbox", "schema of the inbox")
	flags.StringVar(&opts.Publication, "publication", "outbox", "name of the publication")
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
