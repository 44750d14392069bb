package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/migrations/export"
)

// exportOptions are what migrate export is asked for.
type exportOptions struct {
	export.Request
	dir string
}

// exportedFile is one file as it is listed.
type exportedFile struct {
	Path  string       `json:"path"`
	State export.State `json:"state"`
}

// exportDocument is the document of migrate export.
type exportDocument struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Tool       string         `json:"tool"`
	Directory  string         `json:"directory"`
	Files      []exportedFile `json:"files"`
	Next       string         `json:"next"`
}

func newCmdMigrateExport(a *app, runF func(opts exportOptions, format string) error) *cobra.Command {
	if runF == nil {
		runF = a.migrateExport
	}
	var opts exportOptions
	cmd := &cobra.Command{
		Use:   "export [MIGRATION...] --tool TOOL --dir DIRECTORY",
		Short: "Write the migrations as files of a migration tool",
		Long: `Write the migrations that every outbox needs, or those that are named, as files of the team's own migration tool, with
the next number of the directory. No file is overwritten. Doing it again writes nothing, and with a newer Relay only
what is new.

The tools are ` + toolsInWords() + `.
None of them takes a migration of Relay back: where a tool wants a script for that, it refuses.`,
		Example: `  relay migrate export --tool flyway --dir src/main/resources/db/migration --role-app shop --role-relay relay
  relay migrate export --tool goose --dir db/migrations --role-app shop --role-relay relay
  relay migrate export inbox --tool golang-migrate --dir db/migrations --role-app billing`,
		ValidArgs: migrationNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "json", "yaml", "name")
			if err != nil {
				return err
			}
			if opts.Names, err = namedMigrations(cmd, args); err != nil {
				return err
			}
			if opts.Tool == "" || opts.dir == "" {
				return usageError(cmd, "which tool (--tool) and which directory (--dir) must be said")
			}
			return runF(opts, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.Tool, "tool", "", "migration tool: "+strings.Join(export.Tools(), ", "))
	flags.StringVar(&opts.dir, "dir", "", "directory of its migrations; made when it does not exist")
	flags.StringVar(&opts.NextVersion, "next-version", "", "number of the first new file (default: the next one of the directory)")
	nameFlags(flags, &opts.Options)
	registerCompletion(cmd, "tool", export.Tools()...)
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitRefused)
	return cmd
}

func toolsInWords() string {
	names := export.Tools()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func (a *app) migrateExport(opts exportOptions, format string) error {
	a.lead = "cannot export migrations"
	opts.Now = time.Now()
	files, err := export.Plan(os.DirFS(opts.dir), opts.Request)
	if err != nil {
		return exportFault(opts.dir, err)
	}
	if err := export.Write(opts.dir, files); err != nil {
		return err
	}
	d := exportDocument{
		APIVersion: "relay/v1", Kind: "MigrationExport", Tool: opts.Tool, Directory: opts.dir,
		Files: []exportedFile{}, Next: export.Next(opts.Tool, opts.dir),
	}
	wrote := false
	for _, f := range files {
		d.Files = append(d.Files, exportedFile{Path: filepath.Join(opts.dir, filepath.FromSlash(f.Path)), State: f.State})
		wrote = wrote || f.State != export.Unchanged
	}
	if err := a.writeExport(d, format); err != nil || !wrote {
		return err
	}
	fmt.Fprintf(a.err, "Next, as the role that shall own the tables: %s\n", d.Next)
	return nil
}

func (a *app) writeExport(d exportDocument, format string) error {
	switch format {
	case "json", "yaml":
		return writeDocument(a.out, format, d)
	case "name":
		for _, f := range d.Files {
			if _, err := fmt.Fprintln(a.out, f.Path); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{header: []string{"STATE", "FILE"}}
	for _, f := range d.Files {
		t.add(string(f.State), f.Path)
	}
	return t.write(a.out, a.flags.noHeaders)
}

// exportFault says what stands in the way of an export, and of which kind it is.
func exportFault(dir string, err error) error {
	if usage, ok := errors.AsType[*export.UsageError](err); ok {
		hint := usage.Hint
		if hint == "" {
			hint = "`relay migrate export --help` shows usage and examples."
		}
		return &fault.Error{Code: fault.Usage, Summary: usage.Problem, Hint: hint}
	}
	if conflict, ok := errors.AsType[*export.ConflictError](err); ok {
		return &fault.Error{Code: fault.NameTaken, Summary: "in " + dir + ": " + conflict.Problem, Hint: conflict.Hint + " Nothing was written."}
	}
	return fmt.Errorf("read directory %s: %w", dir, err)
}
