package migrations

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed sql/*.sql
var files embed.FS

// Migration is one file of SQL.
type Migration struct {
	Number  int    // order of application, from 1
	Name    string // as in outbox
	About   string // one line for people
	Default bool   // belongs to every outbox; the others are printed when they are asked for by name
}

// List gives the migrations in order.
func List() []Migration {
	return []Migration{
		{Number: 1, Name: "outbox", Default: true, About: "schema, outbox table with its seven partitions, emit(), publication, grants"},
		{Number: 2, Name: "inbox", About: "for consumers, in their own database: the table of handled events"},
		{Number: 3, Name: "wal_messages", About: "for outboxes made of WAL messages, run as superuser: who may emit them"},
		{Number: 4, Name: "inbox_progress", About: "beside inbox: how far a consumer is in each partition, a table that does not grow"},
	}
}

// File is the name of the migration's file, as in 0001_outbox.sql.
func (m Migration) File() string { return fmt.Sprintf("%04d_%s.sql", m.Number, m.Name) }

// Render gives the SQL of one migration.
func (m Migration) Render(opts Options) (string, error) {
	names, err := opts.names()
	if err != nil {
		return "", fmt.Errorf("render migration %s: %w", m.Name, err)
	}
	sql, err := files.ReadFile("sql/" + m.File())
	if err != nil {
		return "", fmt.Errorf("render migration %s: %w", m.Name, err)
	}
	return names.render(string(sql)), nil
}

// Select gives the migrations with these names, or those that belong to every outbox, in order.
func Select(names ...string) ([]Migration, error) {
	for _, name := range names {
		if !slices.ContainsFunc(List(), func(m Migration) bool { return m.Name == name }) {
			return nil, fmt.Errorf("there is no migration %q, only %s", name, known())
		}
	}
	var selected []Migration
	for _, m := range List() {
		if slices.Contains(names, m.Name) || len(names) == 0 && m.Default {
			selected = append(selected, m)
		}
	}
	return selected, nil
}

// Print gives the SQL of what Select selects. It is to be applied in one transaction: psql -1 -v ON_ERROR_STOP=1 -f -.
func Print(opts Options, names ...string) (string, error) {
	selected, err := Select(names...)
	if err != nil {
		return "", err
	}
	var sql []string
	for _, m := range selected {
		text, err := m.Render(opts)
		if err != nil {
			return "", err
		}
		sql = append(sql, text)
	}
	return strings.Join(sql, "\n"), nil
}

func known() string {
	var names []string
	for _, m := range List() {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}
