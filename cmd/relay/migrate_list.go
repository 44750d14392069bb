package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

// migration is one file of SQL.
type migration struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	File    string `json:"file"`
	sql     string
}

// migrationList is the document of migrate list.
type migrationList struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Items      []migration `json:"items"`
}

func newCmdMigrateList(a *app, runF func(format string) error) *cobra.Command {
	if runF == nil {
		runF = a.migrateList
	}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the migrations",
		Long:    "List the migrations in the order they are applied. A published one never changes.",
		Example: "  relay migrate list",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "json", "yaml", "name")
			if err != nil {
				return err
			}
			return runF(format)
		},
	}
	exits(cmd, fault.ExitDone)
	return cmd
}

func (a *app) migrateList(format string) error {
	items := allMigrations()
	switch format {
	case "json", "yaml":
		return writeDocument(a.out, format, migrationList{APIVersion: "relay/v1", Kind: "MigrationList", Items: items})
	case "name":
		for _, m := range items {
			if _, err := fmt.Fprintf(a.out, "migration/%s\n", m.Name); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"VERSION", "NAME", "FILE"}}
	for _, m := range items {
		t.add(fmt.Sprintf("%04d", m.Version), m.Name, m.File)
	}
	return t.write(a.out, a.flags.noHeaders)
}
