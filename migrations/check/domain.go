package check

import (
	"fmt"
	"strings"
)

// domain compares a domain. Further constraints make the table refuse more, which is the team's business.
func (c *comparison) domain(live *schema, need domain, event neededTable) {
	name := c.schema + "." + need.Name
	object := "domain " + name
	have, there := named(live.Domains, func(d domain) string { return d.Name }, need.Name)
	if !there {
		c.found(object, problem{"does not exist", c.domainStatement(need.Name)})
		return
	}
	if have.Base != need.Base || have.Collation != need.Collation {
		c.found(object, problem{
			fmt.Sprintf("is %s COLLATE %q, not %s COLLATE %q", have.Base, have.Collation, need.Base, need.Collation),
			c.replaceDomain(need.Name, event),
		})
		return
	}
	c.found(object, nullProblem("ALTER DOMAIN "+name+" ", have.NotNull, need.NotNull)...)
	for _, n := range need.Constraints {
		c.found("constraint "+n.Name+" of "+name, constraintProblem("ALTER DOMAIN "+name, have.Constraints, n)...)
	}
}

func (c *comparison) domainStatement(name string) string {
	return c.sql.with("CREATE DOMAIN " + c.ours() + "." + name + " ")
}

// replaceDomain makes a domain anew under its name: what it is made of cannot be altered.
func (c *comparison) replaceDomain(name string, event neededTable) string {
	whole := c.schema + "." + name
	sql := []string{"ALTER DOMAIN " + whole + " RENAME TO " + name + "_before;", c.domainStatement(name)}
	for _, col := range event.columns {
		if col.typ == whole {
			sql = append(sql, "ALTER TABLE "+c.schema+"."+event.name+" ALTER COLUMN "+col.name+" TYPE "+whole+";")
		}
	}
	return strings.Join(append(sql, "DROP DOMAIN "+c.schema+"."+name+"_before;"), "\n")
}

// constraintProblem looks for a constraint that must be there; alter is the beginning of the statement that mends it.
func constraintProblem(alter string, have []constraint, need constraint) []problem {
	add := alter + " ADD CONSTRAINT " + need.Name + " " + need.Definition + ";"
	found, there := named(have, func(n constraint) string { return n.Name }, need.Name)
	switch {
	case !there:
		return []problem{{"does not exist", add}}
	case flat(found.Definition) != flat(need.Definition):
		return []problem{{"is " + found.Definition, alter + " DROP CONSTRAINT " + need.Name + ";\n" + add}}
	}
	return nil
}

// flat leaves out the parentheses: a constraint that was dumped and restored has fewer of them, since "(a AND b) AND c"
// comes back as one AND of three.
func flat(definition string) string { return strings.NewReplacer("(", "", ")", "").Replace(definition) }

// nullProblem looks at whether NULL is taken; alter is the beginning of the statement that mends it.
func nullProblem(alter string, have, need bool) []problem {
	switch {
	case need && !have:
		return []problem{{"takes NULL, and must not", alter + "SET NOT NULL;"}}
	case have && !need:
		return []problem{{"takes no NULL, and must", alter + "DROP NOT NULL;"}}
	}
	return nil
}
