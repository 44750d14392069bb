package check

import "strings"

// function compares a function: what it takes and gives, and its body as the migration has it.
func (c *comparison) function(live *schema, need function) {
	object := "function " + c.schema + "." + need.Name
	create := c.sql.with("CREATE FUNCTION " + c.ours() + "." + need.Name + "(")
	replace := strings.ReplaceAll(create, "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
	have, there := named(live.Functions, func(f function) string { return f.Name }, need.Name)
	switch {
	case !there:
		c.found(object, problem{"does not exist", create})
	case have.Arguments != need.Arguments || have.Result != need.Result:
		c.found(object, problem{
			"is (" + have.Arguments + ") RETURNS " + have.Result + ", not (" + need.Arguments + ") RETURNS " + need.Result,
			"DROP FUNCTION " + c.schema + "." + need.Name + "(" + have.Identity + ");\n" + create,
		})
	case !strings.Contains(create, "$function$"+have.Source+"$function$") && !strings.Contains(create, "AS '"+have.Source+"'"):
		c.found(object, problem{"has another body than this version gives it", replace})
	default:
		c.found(object)
	}
}
