package check

import (
	"cmp"
	"strings"
)

// publication compares the publication of the outbox. tableThere: the table it shall publish exists.
func (c *comparison) publication(schemaName, tableName string, tableThere bool) error {
	name := cmp.Or(c.opts.Publication, "outbox")
	live, err := c.catalog.publication(name, schemaName, tableName)
	if err != nil {
		return err
	}
	quoted, err := c.opts.Fill("{{.Publication}}")
	if err != nil {
		return err
	}
	object, alter, whole := "publication "+quoted, "ALTER PUBLICATION "+quoted, c.schema+"."+tableName
	if !live.Exists {
		c.found(object, problem{"does not exist", c.sql.with("CREATE PUBLICATION " + quoted + " ")})
		return nil
	}
	var problems []problem
	if options := live.options(); options != "insert, via root" {
		problems = append(problems, problem{
			"publishes " + options + ", not insert, via root", alter + " SET (publish = 'insert', publish_via_partition_root = true);",
		})
	}
	again := alter + " DROP TABLE " + whole + ";\n" + alter + " ADD TABLE " + whole + ";"
	switch {
	case !tableThere:
	case !live.Published:
		problems = append(problems, problem{"does not publish " + whole, alter + " ADD TABLE " + whole + ";"})
	case live.Filtered:
		problems = append(problems, problem{"publishes only some rows of " + whole, again})
	case len(live.Unlisted) > 0:
		problems = append(problems, problem{"leaves out columns of " + whole + ": " + strings.Join(live.Unlisted, ", "), again})
	}
	c.found(object, problems...)
	return nil
}

// options are what is published, in words.
func (p *publication) options() string {
	var words []string
	for _, o := range []struct {
		on   bool
		word string
	}{{p.Insert, "insert"}, {p.Update, "update"}, {p.Delete, "delete"}, {p.Truncate, "truncate"}, {p.ViaRoot, "via root"}, {!p.ViaRoot, "not via root"}} {
		if o.on {
			words = append(words, o.word)
		}
	}
	return strings.Join(words, ", ")
}
