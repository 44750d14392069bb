package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdMigratePrint(a *app, runF func(name string) error) *cobra.Command {
	if runF == nil {
		runF = a.migratePrint
	}
	cmd := &cobra.Command{
		Use:   "print [MIGRATION]",
		Short: "Print the SQL of all migrations, or of one",
		Long: `Print the SQL of all migrations in order, or of the one with this version or name. It is meant for one transaction of an
ordinary owner role; it needs no extension and no superuser, and locks no existing table.`,
		Example: "  relay migrate print | psql -1 -v ON_ERROR_STOP=1 shop\n  relay migrate print 1",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := a.format(cmd, "sql"); err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return runF(name)
		},
	}
	exits(cmd, fault.ExitDone)
	return cmd
}

func (a *app) migratePrint(name string) error {
	printed := false
	for _, m := range allMigrations() {
		if name != "" && name != m.Name && name != m.File && !isVersion(name, m.Version) {
			continue
		}
		printed = true
		if _, err := io.WriteString(a.out, m.sql); err != nil {
			return err
		}
	}
	if !printed {
		return &fault.Error{Code: fault.Usage, Summary: fmt.Sprintf("no migration %q", name), Hint: "`relay migrate list` shows them."}
	}
	return nil
}

// isVersion takes 1, 01 and 0001 for version 1.
func isVersion(text string, version int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n == version
}
