package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations"
)

// migration is one file of SQL as it is listed.
type migration struct {
	Number  int    `json:"number"`
	Name    string `json:"name"`
	File    string `json:"file"`
	Default bool   `json:"default"` // printed when none is named
	About   string `json:"about"`
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
		Use:   "list",
		Short: "List the migrations",
		Long: `List the migrations in the order they are applied. Those that belong to every outbox are printed by "relay migrate
print", the others when they are named. A published one never changes.`,
		Example: "  relay migrate list\n  relay migrate list -o name",
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
	var items []migration
	t := table{header: []string{"NUMBER", "NAME", "DEFAULT", "ABOUT"}, room: room(a.out)}
	for _, m := range migrations.List() {
		items = append(items, migration{Number: m.Number, Name: m.Name, File: m.File(), Default: m.Default, About: m.About})
		t.add(fmt.Sprintf("%04d", m.Number), m.Name, yesNo(m.Default), m.About)
	}
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
	return t.write(a.out, a.flags.noHeaders)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
