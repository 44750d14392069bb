package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations/check"
)

// checkOptions are what migrate check is asked for.
type checkOptions struct {
	check.Request
	url, password string
}

func newCmdMigrateCheck(a *app, runF func(ctx context.Context, opts checkOptions, format string) error) *cobra.Command {
	if runF == nil {
		runF = a.migrateCheck
	}
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [MIGRATION...]",
		Short: "Compare a database with what the migrations make",
		Long: `Compare the table, columns, domains, partitions, functions, publication and grants of a database with what this version
of Relay needs, and name each difference with the SQL that mends it. It reads the catalogue in a read-only transaction,
needs no right on the outbox, and changes nothing: put the SQL into a migration of your own. Columns, constraints and
indexes that are the team's own are no difference.

The database is that of the configuration, whose role is taken for the relay's, or the one of --url. Without --role-app
and --role-relay the grants of these roles are not looked at. PG* variables and the passfile work as in psql.`,
		Example: `  relay migrate check --role-app shop
  relay migrate check --url postgres://owner@db.internal/shop --role-app shop --role-relay relay
  relay migrate check inbox --url "$BILLING_URL" --role-app billing
  relay migrate check -o sql > next_migration.sql`,
		ValidArgs: migrationNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "wide", "json", "yaml", "sql")
			if err != nil {
				return err
			}
			if opts.Names, err = namedMigrations(cmd, args); err != nil {
				return err
			}
			if opts.url == "" {
				if err := a.checkConfigured(cmd, &opts); err != nil {
					return err
				}
			}
			return runF(cmd.Context(), opts, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.url, "url", "", "connection string of the database (default: source.url of the configuration)")
	nameFlags(flags, &opts.Options)
	flags.Lookup("role-app").Usage = "role of the application, to look at its grants"
	flags.Lookup("role-relay").Usage = "role that Relay connects as, to look at its grants (default: that of source.url)"
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitUnreachable, fault.ExitWanting, fault.ExitInterrupted)
	return cmd
}

// checkConfigured takes from the configuration what no flag says.
func (a *app) checkConfigured(cmd *cobra.Command, opts *checkOptions) error {
	a.lead = "cannot check"
	l, err := a.load()
	if err != nil {
		return err
	}
	c := l.Config
	if c.Outbox.Format != "relay" {
		return usageError(cmd, "outbox.format is %s: the table is not one of Relay's migrations", c.Outbox.Format)
	}
	opts.url = c.Source.URL
	if opts.password, err = c.Source.Password(); err != nil {
		return err
	}
	set := func(flag string, option *string, value string) {
		if !cmd.Flags().Changed(flag) {
			*option = value
		}
	}
	set("publication", &opts.Options.Publication, c.Source.Publication)
	user, err := check.User(opts.url)
	if err != nil {
		return badURL(err, fault.Config)
	}
	set("role-relay", &opts.Options.RelayRole, user)
	if c.Outbox.Table == "" && len(opts.Names) == 0 {
		opts.Names = []string{"wal_messages"}
		return nil
	}
	schema, err := outboxSchema(c)
	if err == nil {
		set("schema", &opts.Options.Schema, schema)
	}
	return err
}

// outboxSchema is the schema of outbox.table, without the quotes it may stand in.
func outboxSchema(c config.Config) (string, error) {
	schema, found := strings.CutSuffix(c.Outbox.Table, ".event")
	if !found {
		return "", &fault.Error{
			Code: fault.Config, Summary: fmt.Sprintf("outbox.table is %s: the table of Relay's migrations is called event, in whatever schema", c.Outbox.Table),
			Hint: "Set outbox.table, or name the schema with --url and --schema.",
		}
	}
	if quoted, ok := strings.CutPrefix(schema, `"`); ok {
		schema = strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`)
	}
	return schema, nil
}

func (a *app) migrateCheck(ctx context.Context, opts checkOptions, format string) error {
	a.lead = "cannot check"
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	if _, err := check.User(opts.url); err != nil {
		return badURL(err, fault.Usage)
	}
	results, err := check.Database(ctx, opts.url, opts.password, opts.Request)
	if err != nil {
		if errors.Is(err, check.ErrUnreachable) {
			return &fault.Error{
				Code: fault.PostgresUnreachable, Summary: "Postgres", Err: err,
				Hint: "Check host, port, database, role and password in source.url and source.password_file, or in --url.",
			}
		}
		return err
	}
	if err := a.writeChecked(results, format); err != nil {
		return err
	}
	a.lead = ""
	return wanting(results)
}

// wanting is the verdict.
func wanting(results []check.Result) error {
	objects, bad := map[string]bool{}, map[string]bool{}
	for _, r := range results {
		objects[r.Object] = true
		if !r.OK() {
			bad[r.Object] = true
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &fault.Error{
		Code:    fault.NotMigrated,
		Summary: fmt.Sprintf("%d of %d objects are not as this version of Relay needs them", len(bad), len(objects)),
		Hint: "`relay migrate check -o sql` prints what mends them, for a migration of your own. Nothing was changed. " +
			"A running relay stops when its publication is altered: stop it first, and see what it says then.",
	}
}

func badURL(err error, code fault.Code) error {
	return &fault.Error{Code: code, Summary: "the connection string cannot work", Err: err, Hint: "It is a URL, as postgres://role@host:5432/database, or keywords, as host=... dbname=..."}
}
