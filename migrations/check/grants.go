package check

import (
	"encoding/json"
	"strings"
)

// privilege is a right on an object: a schema, a table, a column (of table.column) or a function.
type privilege struct{ Kind, Schema, Name, Right string }

// lacking is a right that a role does not have.
type lacking struct {
	Kind, Right string
	Objects     []string // as SQL names them
}

// role is what the catalogue says of a role.
type role struct {
	Exists, Login, Replication, Superuser bool
	Quoted                                string
	Lacks                                 []lacking
	Ring                                  []string // columns that the ring rests on and the role may set
}

// outboxGrants compares the rights of the two roles.
func (c *comparison) outboxGrants(schemaName string) error {
	app := []privilege{{"schema", schemaName, "", "USAGE"}}
	for _, f := range outboxFunctions() {
		app = append(app, privilege{"function", schemaName, f.Name, "EXECUTE"})
	}
	for _, col := range outboxTable("").columns {
		if col.name != "created_at" && col.name != "weekday" {
			app = append(app, privilege{"column", schemaName, "event." + col.name, "INSERT"})
		}
	}
	if err := c.grants(c.opts.AppRole, app); err != nil {
		return err
	}
	relay := []privilege{{"schema", schemaName, "", "USAGE"}, {"table", schemaName, "event", "SELECT"}}
	for _, day := range weekdays() {
		relay = append(relay, privilege{"table", schemaName, "event_" + day, "SELECT"}, privilege{"table", schemaName, "event_" + day, "TRUNCATE"})
	}
	if err := c.grants(c.opts.RelayRole, relay); err != nil {
		return err
	}
	return c.replicates()
}

// grants compares the rights of a role; without one there is nothing to compare.
func (c *comparison) grants(name string, needs []privilege) error {
	if name == "" {
		return nil
	}
	r, err := c.role(name, needs)
	if err != nil {
		return err
	}
	object := "role " + r.Quoted
	if !r.Exists {
		c.found(object, problem{"does not exist", "CREATE ROLE " + r.Quoted + " LOGIN;"})
		return nil
	}
	var problems []problem
	for _, l := range r.Lacks {
		problems = append(problems, problem{l.words(), l.grant(r.Quoted)})
	}
	if len(r.Ring) > 0 && name == c.opts.AppRole && c.migration.Name == "outbox" {
		event := c.schema + ".event"
		problems = append(problems, problem{
			"may set " + strings.Join(r.Ring, " and ") + ", on which the ring of partitions rests",
			"REVOKE INSERT ON " + event + " FROM " + r.Quoted + ";\n" + c.sql.with("GRANT INSERT ("),
		})
	}
	c.found(object, problems...)
	return nil
}

// replicates looks at what only a superuser can give.
func (c *comparison) replicates() error {
	if c.opts.RelayRole == "" {
		return nil
	}
	r, err := c.role(c.opts.RelayRole, nil)
	if err != nil || !r.Exists {
		return err
	}
	var problems []problem
	if !r.Login {
		problems = append(problems, problem{"may not log in", "ALTER ROLE " + r.Quoted + " LOGIN;"})
	}
	if !r.Replication && !r.Superuser {
		problems = append(problems, problem{"may not replicate", "ALTER ROLE " + r.Quoted + " REPLICATION;"})
	}
	if len(problems) > 0 {
		c.found("role "+r.Quoted, problems...)
	}
	return nil
}

func (l lacking) words() string {
	return "lacks " + l.Right + " on " + l.Kind + " " + strings.Join(l.Objects, ", ")
}

func (l lacking) grant(role string) string {
	switch l.Kind {
	case "column": // schema.table (column)
		table, _, _ := strings.Cut(l.Objects[0], " (")
		var columns []string
		for _, o := range l.Objects {
			_, col, _ := strings.Cut(o, " (")
			columns = append(columns, strings.TrimSuffix(col, ")"))
		}
		return "GRANT " + l.Right + " (" + strings.Join(columns, ", ") + ") ON " + table + " TO " + role + ";"
	case "table":
		return "GRANT " + l.Right + " ON " + strings.Join(l.Objects, ", ") + " TO " + role + ";"
	}
	return "GRANT " + l.Right + " ON " + strings.ToUpper(l.Kind) + " " + strings.Join(l.Objects, ", ") + " TO " + role + ";"
}

func (c *comparison) role(name string, needs []privilege) (*role, error) {
	if needs == nil {
		needs = []privilege{}
	}
	text, err := json.Marshal(needs)
	if err != nil {
		return nil, err
	}
	r := new(role)
	return r, c.catalog.ask(r, roleSQL, name, string(text))
}
