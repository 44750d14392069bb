package export

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// tool is the format of one migration tool.
type tool struct {
	name      string
	numbers   *numbering // nil: the tool does not number its files
	forbidden string     // what the SQL must not contain, since the tool would replace it; "": nothing
	scripts   func(s source, version string) []File
	// index gives the files that list all migrations; nil: there are none. files are those of the migrations.
	index func(dir fs.FS, sources []source, files []File, now time.Time) ([]File, error)
	next  string // what to do then; %s is the directory
}

func tools() []tool {
	return []tool{
		goose(), golangMigrate(), flyway(), dbmate(), tern(), liquibase(), atlas(), sqitch(), psql(),
	}
}

// Tools names the tools.
func Tools() []string {
	var names []string
	for _, t := range tools() {
		names = append(names, t.name)
	}
	return names
}

// Next is what a person does with the files then.
func Next(name, dir string) string {
	t, err := find(name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(t.next, dir)
}

func find(name string) (tool, error) {
	all := tools()
	i := slices.IndexFunc(all, func(t tool) bool { return t.name == name })
	if i < 0 {
		return tool{}, &UsageError{Problem: fmt.Sprintf("no tool %q; there are %s", name, strings.Join(Tools(), ", "))}
	}
	return all[i], nil
}

// versions gives a number for each migration, empty ones for a tool that does not number.
func (t tool) versions(dir fs.FS, sources []source, req Request) ([]string, error) {
	if t.numbers != nil {
		return t.numbers.assign(dir, sources, req)
	}
	if req.NextVersion != "" {
		return nil, &UsageError{Problem: t.name + " does not number its files: --next-version " + req.NextVersion + " has no place"}
	}
	return make([]string, len(sources)), nil
}
