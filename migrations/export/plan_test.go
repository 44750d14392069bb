package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/migrations"
)

func now() time.Time { return time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC) }

func dirOf(names ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for _, name := range names {
		dir[name] = &fstest.MapFile{Data: []byte("SELECT 1;\n")}
	}
	return dir
}

// TestNumbers is about the number that the outbox gets beside what a directory holds.
func TestNumbers(t *testing.T) {
	tests := []struct {
		name, tool string
		there      []string
		given      string
		want       string // the first file
		problem    string // in the error
	}{
		{name: "goose, empty", tool: "goose", want: "00001_relay_outbox.sql"},
		{name: "goose, next", tool: "goose", there: []string{"00009_a.sql", "00010_b.go", "README.md", "x_9.sql"}, want: "00011_relay_outbox.sql"},
		{name: "goose, time", tool: "goose", there: []string{"20240229235959_a.sql"}, want: "20261124094107_relay_outbox.sql"},
		{name: "goose, time ahead", tool: "goose", there: []string{"20270228235959_a.sql"}, want: "20270301000000_relay_outbox.sql"},
		{name: "goose, given", tool: "goose", there: []string{"00009_a.sql"}, given: "12", want: "00012_relay_outbox.sql"},
		{name: "goose, below", tool: "goose", there: []string{"sub/00099_a.sql", "00009_a.sql"}, given: "9", problem: "--next-version 9 is not above 00009_a.sql"},
		{name: "no number", tool: "goose", given: "1a", problem: `--next-version "1a" is not a number`},
		{name: "huge", tool: "goose", there: []string{"99999999999999999999_a.sql"}, problem: "number of 99999999999999999999_a.sql is too large"},
		{name: "largest", tool: "goose", there: []string{"18446744073709551615_a.sql"}, problem: "no number after 18446744073709551615"},
		{name: "golang-migrate, empty", tool: "golang-migrate", want: "000001_relay_outbox.up.sql"},
		{name: "golang-migrate, next", tool: "golang-migrate", there: []string{"3_a.up.sql", "3_a.down.sql", "9_b.up.sql"}, want: "10_relay_outbox.up.sql"},
		{name: "golang-migrate, unix time", tool: "golang-migrate", there: []string{"1700000000_a.up.sql"}, want: "1700000001_relay_outbox.up.sql"},
		{name: "flyway, empty", tool: "flyway", want: "V1__relay_outbox.sql"},
		{name: "flyway, next, below too", tool: "flyway", there: []string{"V9__a.sql", "y2026/V010__b.sql", "R__view.sql", "U11__c.sql"}, want: "V011__relay_outbox.sql"},
		{name: "flyway, parts", tool: "flyway", there: []string{"V1.2__a.sql"}, problem: "after those of V1.2__a.sql"},
		{name: "flyway, parts, given", tool: "flyway", there: []string{"V1_2__a.sql"}, given: "2", want: "V2__relay_outbox.sql"},
		{name: "flyway, parts, given with parts", tool: "flyway", there: []string{"V1.2__a.sql", "V1.9__b.sql"}, given: "1.10", want: "V1.10__relay_outbox.sql"},
		{name: "flyway, parts, below", tool: "flyway", there: []string{"V1_2__a.sql", "V1_10__b.sql"}, given: "1.9", problem: "--next-version 1.9 is not above 1_10"},
		{name: "flyway, parts, equal", tool: "flyway", there: []string{"V1.2__a.sql"}, given: "1.2.0", problem: "--next-version 1.2.0 is not above 1.2"},
		{name: "flyway, parts, none", tool: "flyway", given: "1.x", problem: `--next-version "1.x" is not a number`},
		{name: "goose, parts", tool: "goose", given: "1.2", problem: `--next-version "1.2" is not a number`},
		{name: "dbmate, empty", tool: "dbmate", want: "20261124094107_relay_outbox.sql"},
		{name: "dbmate, next", tool: "dbmate", there: []string{"20261124094107_a.sql"}, want: "20261124094108_relay_outbox.sql"},
		{name: "tern, empty", tool: "tern", want: "001_relay_outbox.sql"},
		{name: "tern, gap", tool: "tern", there: []string{"001_a.sql"}, given: "3", problem: "leaves a gap after 001_a.sql"},
		{name: "tern, gap before", tool: "tern", given: "2", problem: "leaves a gap"},
		{name: "tern, given", tool: "tern", there: []string{"001_a.sql"}, given: "2", want: "002_relay_outbox.sql"},
		{name: "psql", tool: "psql", there: []string{"0041_a.sql"}, want: "0042_relay_outbox.sql"},
		{name: "liquibase", tool: "liquibase", there: []string{"a.sql"}, want: "relay_outbox.sql"},
		{name: "liquibase, given", tool: "liquibase", given: "7", problem: "--next-version 7 has no place"},
		{name: "sqitch", tool: "sqitch", want: "deploy/relay_outbox.sql"},
		{name: "other tool", tool: "alembic", problem: `no tool "alembic"; there are goose,`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, err := Plan(dirOf(tt.there...), Request{Tool: tt.tool, NextVersion: tt.given, Now: now()})
			if tt.problem != "" {
				if usage, ok := errors.AsType[*UsageError](err); !ok || !strings.Contains(usage.Problem, tt.problem) {
					t.Errorf("error is %v, want %q", err, tt.problem)
				}
				return
			}
			if err != nil || files[0].Path != tt.want {
				t.Errorf("%v, first file %v, want %s", err, files, tt.want)
			}
		})
	}
}

// TestAgain: a second export changes nothing, and a third with more migrations adds only those.
func TestAgain(t *testing.T) {
	for _, name := range Tools() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			req := Request{Tool: name, Now: now(), Options: migrations.Options{AppRole: "shop", RelayRole: "relay"}}
			first := mustExport(t, dir, req)
			before := contents(t, dir)
			req.Now = now().Add(time.Hour)
			for _, f := range mustExport(t, dir, req) {
				if f.State != Unchanged {
					t.Errorf("%s is %s", f.Path, f.State)
				}
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("the second export changed (-before +after):\n%s", diff)
			}
			req.Names = []string{"outbox", "inbox"}
			mustExport(t, dir, req)
			after := contents(t, dir)
			for _, f := range first {
				if text := after[f.Path]; f.State != New || text != f.Text && !strings.HasPrefix(f.Path, "atlas.sum") && !strings.HasPrefix(text, f.Text) {
					t.Errorf("%s was %s first and is now\n%s", f.Path, f.State, text)
				}
			}
			if len(after) <= len(before) {
				t.Errorf("the inbox added no file to %d", len(before))
			}
		})
	}
}

// TestNothingIsOverwritten: whatever is there under a name of ours with another text stays, and nothing else is written.
func TestNothingIsOverwritten(t *testing.T) {
	for _, name := range Tools() {
		t.Run(name, func(t *testing.T) {
			clean := t.TempDir()
			for _, f := range mustExport(t, clean, Request{Tool: name, Now: now()}) {
				if f.Path == sqitchPlanFile || f.Path == sqitchConfFile {
					continue
				}
				dir := t.TempDir()
				writeFile(t, dir, f.Path, "-- mine\n")
				files, err := Plan(os.DirFS(dir), Request{Tool: name, Now: now()})
				if conflict, ok := errors.AsType[*ConflictError](err); !ok || !strings.Contains(conflict.Problem, f.Path) || conflict.Hint == "" {
					t.Errorf("%s: error is %v, plan %v", f.Path, err, files)
				}
			}
		})
	}
}

// TestWriteKeepsWhatCameMeanwhile: a file that came between plan and writing is not overwritten.
func TestWriteKeepsWhatCameMeanwhile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "1.sql", "mine")
	if err := Write(dir, []File{{Path: "1.sql", Text: "ours", State: New}}); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "1.sql") {
		t.Errorf("error is %v", err)
	}
	if got := contents(t, dir)["1.sql"]; got != "mine" {
		t.Errorf("the file says %q", got)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestMarkersStandOutsideTheSQL: no line of a migration says anything to a tool.
func TestMarkersStandOutsideTheSQL(t *testing.T) {
	marker := regexp.MustCompile(`(?im)^\s*(--\s*(\+goose|migrate:|liquibase|changeset|rollback|precondition|property|comment:?\s|include|validchecksum|atlas:|ignorelines)|-{3,}.*(above|below)|\\)|\$\{|\{\{`)
	for _, m := range migrations.List() {
		sql, err := m.Render(migrations.Options{AppRole: "a", RelayRole: "r"})
		if err != nil {
			t.Fatal(err)
		}
		if found := marker.FindString(sql); found != "" {
			t.Errorf("%s has %q", m.File(), found)
		}
	}
	if _, err := Plan(dirOf(), Request{Tool: "tern", Options: migrations.Options{AppRole: "{{x}}"}}); err == nil || !strings.Contains(err.Error(), "{{") {
		t.Errorf("a name that tern would take for a template: %v", err)
	}
}
