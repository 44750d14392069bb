package replication_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outbox-relay/relay/replication"
)

// look asks over both kinds of connection, which must say the same, for one table.
func (f *fixture) look(t *testing.T, publication, table string) (*replication.Publication, replication.Table) {
	t.Helper()
	conn := f.connect(t)
	p, err := conn.Publication(t.Context(), publication, []string{table})
	if err != nil {
		t.Fatal(err)
	}
	sibling, err := conn.Sibling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer sibling.Conn.Close(t.Context())
	again, err := sibling.Publication(t.Context(), publication, []string{table})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("the two kinds of connection differ: %s", diff)
	}
	if p == nil {
		return nil, replication.Table{}
	}
	return p, p.Tables[0]
}

func TestPublicationAndItsTable(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		p, table := f.look(t, "pub", "outbox.event")
		want := &replication.Publication{
			Name: "pub", Insert: true, Update: true, Delete: true, Truncate: true,
			Tables: []replication.Table{{
				Asked: "outbox.event", Schema: "outbox", Name: "event", Published: true, RelKind: 'r',
				Columns: []replication.TableColumn{
					{Name: "id", TypeOID: 23, TypeMod: -1, Type: "integer", Published: true},
					{Name: "payload", TypeOID: 25, TypeMod: -1, Type: "text", Published: true},
				},
			}},
		}
		ignore := cmp.Options{
			cmpopts.IgnoreFields(replication.Publication{}, "OID", "Xmin"),
			cmpopts.IgnoreFields(replication.Table{}, "OID", "MembershipOID", "MembershipXmin"),
		}
		if diff := cmp.Diff(want, p, ignore); diff != "" {
			t.Error(diff)
		}
		if p.OID == 0 || p.Xmin == 0 || table.OID == 0 || table.MembershipOID == 0 || table.MembershipXmin == 0 {
			t.Errorf("an identifier is missing: %+v", p)
		}
	})
}

// The stream and the catalogue say the same of a column's type.
func TestTypeModifiers(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.exec(t, "CREATE DOMAIN outbox.amount AS numeric(12, 3)", "CREATE DOMAIN outbox.price AS outbox.amount CHECK (VALUE > 0)",
			"ALTER TABLE outbox.event ADD n numeric(10, 2), ADD at timestamp(3), ADD name varchar(9), ADD price outbox.price")
		_, table := f.look(t, "pub", "outbox.event")
		r := f.start(t)
		r.Domains(table.Columns)
		f.exec(t, "INSERT INTO outbox.event (id) VALUES (1)")
		var rel *replication.Relation
		r.until(t, func(m *replication.Message) bool { rel = m.Relation; return rel != nil })
		for i, c := range table.Columns {
			if got := rel.Columns[i]; got.Name != c.Name || got.TypeOID != c.TypeOID || got.TypeMod != c.TypeMod {
				t.Errorf("the stream says %+v, the catalogue %+v", got, c)
			}
		}
		var mods []int32
		for _, c := range table.Columns[2:] {
			mods = append(mods, c.TypeMod)
		}
		if !cmp.Equal(mods, []int32{10<<16 | 2 + 4, 3, 9 + 4, 12<<16 | 3 + 4}) || table.Columns[5].TypeOID != 1700 || table.Columns[5].Domain == 0 {
			t.Errorf("modifiers are %v, the domain is %+v", mods, table.Columns[5])
		}
	})
}

func TestPublicationNoticesWhatIsChangedAndChangedBack(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		before, table := f.look(t, "pub", "outbox.event")
		f.exec(t, "ALTER PUBLICATION pub SET (publish = 'update')", "ALTER PUBLICATION pub SET (publish = 'insert, update, delete, truncate')")
		after, same := f.look(t, "pub", "outbox.event")
		if after.Xmin == before.Xmin || after.OID != before.OID {
			t.Errorf("options were changed and changed back: %+v is as %+v", after, before)
		}
		if diff := cmp.Diff(table, same); diff != "" {
			t.Error(diff)
		}
		f.exec(t, "ALTER PUBLICATION pub DROP TABLE outbox.event")
		if _, out := f.look(t, "pub", "outbox.event"); out.Published || out.MembershipOID != 0 {
			t.Errorf("a table that was taken out: %+v", out)
		}
		f.exec(t, "ALTER PUBLICATION pub ADD TABLE outbox.event")
		_, back := f.look(t, "pub", "outbox.event")
		if !back.Published || back.MembershipOID == table.MembershipOID || back.MembershipXmin == table.MembershipXmin {
			t.Errorf("a table that was taken out and put back: %+v", back)
		}
	})
}

func TestPublicationOfPartitions(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.exec(t,
			"CREATE TABLE outbox.root (id int, day int) PARTITION BY LIST (day)",
			"CREATE TABLE outbox.one PARTITION OF outbox.root FOR VALUES IN (1)",
			"CREATE TABLE outbox.rest PARTITION OF outbox.root DEFAULT PARTITION BY LIST (day)",
			`CREATE TABLE outbox."Two" PARTITION OF outbox.rest FOR VALUES IN (2)`,
			"CREATE PUBLICATION root FOR TABLE outbox.root WITH (publish_via_partition_root = true, publish = 'insert')",
		)
		p, table := f.look(t, "root", "outbox.root")
		if !p.ViaRoot || !p.Insert || p.Update || p.Delete || p.Truncate {
			t.Errorf("options: %+v", p)
		}
		if !table.Published || table.RelKind != 'p' || table.Leaves != 2 || table.Unlogged != nil {
			t.Errorf("root: %+v", table)
		}
		f.exec(t, `ALTER TABLE outbox."Two" SET UNLOGGED`)
		if _, table = f.look(t, "root", "outbox.root"); !cmp.Equal(table.Unlogged, []string{`outbox."Two"`}) {
			t.Errorf("an unlogged leaf is not seen: %+v", table)
		}
		_, leaf := f.look(t, "root", `Outbox."Two"`)
		if !leaf.Published || leaf.MembershipOID != table.MembershipOID || leaf.Leaves != 0 {
			t.Errorf("leaf of a published root: %+v", leaf)
		}
		f.exec(t, `ALTER TABLE outbox.rest DETACH PARTITION outbox."Two"`)
		if _, leaf = f.look(t, "root", `outbox."Two"`); leaf.Published {
			t.Errorf("a detached leaf: %+v", leaf)
		}
	})
}

func TestPublicationOfAllTables(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.exec(t, "CREATE PUBLICATION everything FOR ALL TABLES", "CREATE UNLOGGED TABLE public.quick (id int)", "CREATE VIEW public.v AS SELECT 1 AS id")
		p, table := f.look(t, "everything", "outbox.event")
		if !p.AllTables || !table.Published || table.MembershipOID != 0 {
			t.Errorf("%+v", p)
		}
		if _, quick := f.look(t, "everything", "quick"); !cmp.Equal(quick.Unlogged, []string{"public.quick"}) || quick.Schema != "public" {
			t.Errorf("an unlogged table: %+v", quick)
		}
		if _, view := f.look(t, "everything", "public.v"); view.Published || view.RelKind != 'v' {
			t.Errorf("a view: %+v", view)
		}
	})
}

func TestPublicationOfSchemasFiltersAndColumnLists(t *testing.T) {
	onVersions(t, []int{15, 16, 17, 18}, func(t *testing.T, f *fixture) {
		f.exec(t,
			"ALTER TABLE outbox.event ADD COLUMN double int GENERATED ALWAYS AS (id * 2) STORED",
			"CREATE PUBLICATION schema FOR TABLES IN SCHEMA outbox",
			"CREATE PUBLICATION part FOR TABLE outbox.event (payload) WHERE (payload <> 'no') WITH (publish = 'insert')",
		)
		_, table := f.look(t, "schema", "outbox.event")
		if !table.Published || table.MembershipOID == 0 || table.MembershipXmin == 0 || table.ColumnList || table.RowFilter != "" {
			t.Errorf("through its schema: %+v", table)
		}
		if !table.Columns[1].Published || table.Columns[2].Published {
			t.Errorf("columns through the schema: %+v", table.Columns)
		}
		_, table = f.look(t, "part", "outbox.event")
		if !table.ColumnList || table.RowFilter != "(payload <> 'no'::text)" {
			t.Errorf("with filter and column list: %+v", table)
		}
		if table.Columns[0].Published || !table.Columns[1].Published || table.Columns[2].Published {
			t.Errorf("columns of the column list: %+v", table.Columns)
		}
	})
}

func TestPublicationOfGeneratedColumns(t *testing.T) {
	onVersions(t, []int{18}, func(t *testing.T, f *fixture) {
		f.exec(t,
			"ALTER TABLE outbox.event ADD COLUMN double int GENERATED ALWAYS AS (id * 2) STORED, ADD COLUMN thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL",
			"CREATE PUBLICATION stored FOR TABLE outbox.event WITH (publish_generated_columns = stored)",
		)
		_, table := f.look(t, "stored", "outbox.event")
		if !table.Columns[2].Published || table.Columns[3].Published {
			t.Errorf("%+v", table.Columns)
		}
	})
}

func TestPublicationOfWhatIsNotThere(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		if p, _ := f.look(t, "none", "outbox.event"); p != nil {
			t.Errorf("a publication that does not exist: %+v", p)
		}
		for _, name := range []string{"outbox.none", "none.event", "event", `outbox."Event"`, "a.outbox.event", "it's.event"} {
			if name == "it's.event" {
				if _, err := f.connect(t).Publication(t.Context(), "pub", []string{name}); err == nil {
					t.Errorf("%s is taken for a name", name)
				}
				continue
			}
			if _, table := f.look(t, "pub", name); table.OID != 0 || table.Asked != name || table.Published {
				t.Errorf("a table that does not exist: %+v", table)
			}
		}
	})
}
