package check

// walMessages compares with 0003_wal_messages.sql: who may call pg_logical_emit_message.
func (c *comparison) walMessages() error {
	var functions []struct {
		Name        string
		Public, App bool
	}
	if err := c.catalog.ask(&functions, messagesSQL, c.opts.AppRole); err != nil {
		return err
	}
	role, err := c.opts.Fill("{{.AppRole}}")
	if err != nil {
		return err
	}
	for _, f := range functions {
		var problems []problem
		grant := "GRANT EXECUTE ON FUNCTION pg_catalog." + f.Name + " TO " + role + ";"
		if f.Public {
			revoke := "REVOKE EXECUTE ON FUNCTION pg_catalog." + f.Name + " FROM PUBLIC;"
			if role != "" { // which may have it as one of the public
				revoke += "\n" + grant
			}
			problems = append(problems, problem{"may be called by every role", revoke})
		}
		if !f.App {
			problems = append(problems, problem{"may not be called by " + role, grant})
		}
		c.found("function pg_catalog."+f.Name, problems...)
	}
	return nil
}
