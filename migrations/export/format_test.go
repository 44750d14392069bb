package export

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/migrations"
)

// TestFormats looks at the text around the SQL for the tools that no test runs, as their documentation has it.
func TestFormats(t *testing.T) {
	sql, err := migrations.Print(migrations.Options{}, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string]string{
		"dbmate":    {"20261124094107_relay_inbox.sql": "-- migrate:up\nSQL\n-- migrate:down\nDOWN"},
		"liquibase": {"relay_inbox.sql": "--liquibase formatted sql\n\n--changeset relay:0002_inbox dbms:postgresql splitStatements:false stripComments:false\nSQL"},
		"atlas":     {"20261124094107_relay_inbox.sql": "SQL"},
		"sqitch": {
			"deploy/relay_inbox.sql": "-- Deploy relay_inbox to pg\n\nBEGIN;\n\nSQL\nCOMMIT;\n",
			"revert/relay_inbox.sql": "-- Revert relay_inbox from pg\n\nDOWN",
			"verify/relay_inbox.sql": "-- Verify relay_inbox on pg\n\nSELECT consumer, event_id FROM inbox.event WHERE false;\n",
			"sqitch.conf":            "[core]\n\tengine = pg\n",
			"sqitch.plan": "%syntax-version=1.0.0\n%project=relay\n\n" +
				"relay_inbox 2026-11-24T09:41:07Z Relay <relay@localhost> # for consumers, in their own database: the table of handled events\n",
		},
	}
	for tool, want := range tests {
		t.Run(tool, func(t *testing.T) {
			files, err := Plan(fstest.MapFS{}, Request{Tool: tool, Names: []string{"inbox"}, Now: now()})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, f := range files {
				if f.Path != atlasSumFile {
					got[f.Path] = strings.Replace(strings.Replace(f.Text, sql, "SQL", 1), down("inbox"), "DOWN", 1)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAtlasSum compares with what Atlas' own library (ariga.io/atlas/sql/migrate) makes of the same files.
func TestAtlasSum(t *testing.T) {
	got := atlasSum(map[string]string{
		"1_a.sql": "CREATE TABLE a ();\n", "2_b.sql": "-- atlas:sum ignore\nCREATE TABLE b ();\n", "3_c.sql": "CREATE TABLE c ();\n",
	})
	const want = `h1:YRyqhW8rDresysMKj2TpISieRVRdGvEjk2mz9ExcftI=
1_a.sql h1:bwjNgdNqPxlW50Ox2fCuhzHseIXyyT5JOpnioAsFnGE=
3_c.sql h1:62p3jqVzGWVWIUt/5gUS9GfBDPI0xZoxlm1NEJnH8ho=
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("atlas.sum (-Atlas +ours):\n%s", diff)
	}
}

func TestAtlasSumIsExtendedOnlyWhereItIsRight(t *testing.T) {
	dir := fstest.MapFS{"1_a.sql": {Data: []byte("CREATE TABLE a ();\n")}}
	right := atlasSum(map[string]string{"1_a.sql": "CREATE TABLE a ();\n"})
	for text, wantConflict := range map[string]bool{right: false, "": true, strings.Replace(right, "1_a", "1_b", 1): true} {
		if text != "" {
			dir[atlasSumFile] = &fstest.MapFile{Data: []byte(text)}
		}
		files, err := Plan(dir, Request{Tool: "atlas", Now: now()})
		if _, conflict := errors.AsType[*ConflictError](err); conflict != wantConflict {
			t.Errorf("atlas.sum %q: error is %v", text, err)
		}
		if err == nil && (files[1].State != Extended || !strings.Contains(files[1].Text, strings.SplitAfter(right, "\n")[1])) {
			t.Errorf("atlas.sum becomes %+v", files[1])
		}
		delete(dir, atlasSumFile)
	}
}

func TestSqitchPlanIsExtended(t *testing.T) {
	const team = "%syntax-version=1.0.0\n%project=shop\n\nappschema 2020-01-02T03:04:05Z A <a@b> # Adds it.\n@v1 2020-01-02T03:04:06Z A <a@b> # Tag.\nrelay_outboxes 2020-01-02T03:04:05Z A <a@b> # Not ours."
	dir := fstest.MapFS{sqitchPlanFile: {Data: []byte(team)}}
	files, err := Plan(dir, Request{Tool: "sqitch", Now: now()})
	if err != nil {
		t.Fatal(err)
	}
	plan := files[len(files)-1]
	if plan.Path != sqitchPlanFile || plan.State != Extended || !strings.HasPrefix(plan.Text, team+"\nrelay_outbox 2026-11-24T09:41:07Z ") {
		t.Errorf("the plan becomes %+v", plan)
	}
	dir[sqitchPlanFile] = &fstest.MapFile{Data: []byte("a list of things to do\n")}
	if _, err := Plan(dir, Request{Tool: "sqitch", Now: now()}); err == nil {
		t.Error("a file that is no plan was extended")
	}
}

// TestDocumentationNamesTheFiles: each tool has its row, with the files that an empty directory gets.
func TestDocumentationNamesTheFiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/migrations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range Tools() {
		_, row, found := strings.Cut(string(page), "\n| "+tool+" |")
		if !found {
			t.Errorf("docs/migrations.md has no row for %s", tool)
			continue
		}
		row, _, _ = strings.Cut(row, "\n")
		files, err := Plan(fstest.MapFS{}, Request{Tool: tool, Now: now()})
		if err != nil {
			t.Fatal(err)
		}
		if first := path.Base(files[0].Path); !strings.Contains(row, first) {
			t.Errorf("docs/migrations.md does not name %s for %s: %s", first, tool, row)
		}
	}
}
