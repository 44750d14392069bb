package check

import (
	"fmt"
	"slices"
	"strings"
)

// neededTable is what a table must have at least.
type neededTable struct {
	name    string
	key     string // of partitioning; "" without
	columns []neededColumn
	checks  []constraint
}

type neededColumn struct {
	name, typ string
	notNull   bool
	defaults  []string // the forms in which Postgres prints the same one; none: no default
}

// table compares a table and its columns, and tells whether it is there at all.
func (c *comparison) table(live *schema, need neededTable) bool {
	name := c.schema + "." + need.name
	object := "table " + name
	create := c.sql.with("CREATE TABLE " + c.ours() + "." + need.name + " (")
	have, there := named(live.Tables, func(t table) string { return t.Name }, need.name)
	if !there {
		c.found(object, problem{"does not exist", create})
		return false
	}
	if have.Key != need.key {
		c.found(object, problem{
			fmt.Sprintf("is partitioned by %s, not by %s", orNothing(have.Key), orNothing(need.key)),
			"ALTER TABLE " + name + " RENAME TO " + need.name + "_before;\n" + create + "\n-- then move what is left to publish, and check again",
		})
		return true
	}
	c.found(object, have.modeProblems(name)...)
	for _, n := range need.columns {
		c.column(name, have, n)
	}
	c.furtherColumns(name, have, need)
	// After the columns, which a constraint that is made anew must find.
	for _, n := range need.checks {
		c.found("constraint "+n.Name+" of "+name, constraintProblem("ALTER TABLE "+name, have.Checks, n)...)
	}
	return true
}

// modeProblems are those of the table as a whole.
func (t table) modeProblems(name string) []problem {
	var problems []problem
	if t.Unlogged {
		problems = append(problems, problem{"is unlogged: nothing of it reaches the write-ahead log", "ALTER TABLE " + name + " SET LOGGED;"})
	}
	if t.RowSecurity {
		problems = append(problems, problem{
			"has row-level security: it may refuse events, and hides rows from audit and clean-up, which then stop",
			"ALTER TABLE " + name + " DISABLE ROW LEVEL SECURITY;",
		})
	}
	return problems
}

func (c *comparison) column(tableName string, have table, need neededColumn) {
	object := "column " + tableName + "." + need.name
	alter := "ALTER TABLE " + tableName + " ALTER COLUMN " + need.name + " "
	col, there := named(have.Columns, func(v column) string { return v.Name }, need.name)
	if !there {
		c.found(object, problem{"does not exist", "ALTER TABLE " + tableName + " ADD COLUMN " + need.definition() + ";"})
		return
	}
	var problems []problem
	if col.Type != need.typ {
		problems = append(problems, problem{
			"is " + col.Type + ", not " + need.typ, alter + "TYPE " + need.typ + " USING " + need.name + "::text::" + need.typ + ";",
		})
	}
	problems = append(problems, nullProblem(alter, col.NotNull, need.notNull)...)
	if !need.takesDefault(col.Default) {
		problems = append(problems, need.defaultProblem(alter, col.Default))
	}
	c.found(object, problems...)
}

// defaultProblem mends a default that is another one, or there without need.
func (n neededColumn) defaultProblem(alter, have string) problem {
	if len(n.defaults) == 0 {
		return problem{"has the default " + have + ", and must have none", alter + "DROP DEFAULT;"}
	}
	return problem{"has the default " + orNothing(have) + ", not " + n.defaults[0], alter + "SET DEFAULT " + n.defaults[0] + ";"}
}

// furtherColumns are none of Relay's business, unless an event that does not name them cannot be written.
func (c *comparison) furtherColumns(tableName string, have table, need neededTable) {
	for _, col := range have.Columns {
		ours := slices.ContainsFunc(need.columns, func(n neededColumn) bool { return n.name == col.Name })
		if !ours && col.NotNull && col.Default == "" {
			c.found("column "+tableName+"."+col.Name, problem{
				"is not Relay's, takes no NULL and has no default: no event can be written without it",
				"ALTER TABLE " + tableName + " ALTER COLUMN " + quoteIdent(col.Name) + " DROP NOT NULL;",
			})
		}
	}
}

func (n neededColumn) takesDefault(have string) bool {
	return slices.Contains(n.defaults, have) || len(n.defaults) == 0 && have == ""
}

func (n neededColumn) definition() string {
	sql := n.name + " " + n.typ
	if n.notNull {
		sql += " NOT NULL"
	}
	if len(n.defaults) > 0 {
		sql += " DEFAULT " + n.defaults[0]
	}
	return sql
}

// partition compares the partition of a weekday, 1 for Monday.
func (c *comparison) partition(live *schema, parent, part string, day int) {
	name, parentName := c.schema+"."+part, c.schema+"."+parent
	object := "partition " + name
	bound := fmt.Sprintf("FOR VALUES IN ('%d')", day)
	attach := "ALTER TABLE " + parentName + " ATTACH PARTITION " + name + " " + bound + ";"
	have, there := named(live.Tables, func(t table) string { return t.Name }, part)
	switch {
	case !there:
		c.found(object, problem{"does not exist: no event can be written on that weekday", c.sql.with("CREATE TABLE " + c.ours() + "." + part + " ")})
		return
	case have.Parent != parentName:
		c.found(object, problem{"is not a partition of " + parentName, attach})
		return
	}
	var problems []problem
	if have.Bound != bound {
		problems = append(problems, problem{"is " + have.Bound + ", not " + bound, "ALTER TABLE " + parentName + " DETACH PARTITION " + name + ";\n" + attach})
	}
	c.found(object, append(problems, have.modeProblems(name)...)...)
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// quoteIdent quotes a name of the team's.
func quoteIdent(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
