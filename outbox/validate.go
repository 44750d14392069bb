package outbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
func (c Config) Validate() error {
	errs := []error{c.validateFormat()}
	errs = append(errs, c.validateColumns()...)
	errs = append(errs, c.Routing.validateHeaders()...)
	if c.Routing.Always != "" {
		if bad := newTopicRules(c.ReservedTopics).check(c.Routing.Always); bad != nil {
			errs = append(errs, &ConfigError{"routing", c.Routing.Always, bad.detail})
		}
	}
	if c.Format == FormatDebezium {
		_, err := newDebeziumMapper(c.Debezium, newTopicRules(c.ReservedTopics))
		errs = append(errs, err)
	}
	if c.Format != FormatDebezium || c.WALMessages != "" {
		errs = append(errs, c.validateRouting()...)
	}
	return errors.Join(errs...)
}

func (c Config) validateFormat() error {
	switch c.Format {
	case FormatRelay, FormatCustom, FormatDebezium:
		return nil
	}
	return &ConfigError{"outbox.format", string(c.Format), "want relay, custom or debezium"}
}

func (c Config) validateColumns() (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(c.Columns)) {
		path, column := "outbox.columns."+name, c.Columns[name]
		switch {
		case c.Format == FormatDebezium:
			errs = append(errs, &ConfigError{path, column, "the debezium format names its columns under outbox.debezium"})
		case logicalField(name) == noField:
			errs = append(errs, &ConfigError{path, column, "want one of " + logicalNames() + "; a column is used under its own name without being listed here"})
		case column == "":
			errs = append(errs, &ConfigError{path, column, "want the name of a column; leave the key out for a column of that name"})
		}
	}
	return errs
}

func logicalNames() string {
	var names []string
	for f := range logicalFields {
		names = append(names, f.logicalName())
	}
	return strings.Join(names, ", ")
}

// ownHeaders are written by the publisher, last; a consumer proves exactly once by them.
func ownHeader(name string) bool {
	switch name {
	case "relay-seq", "relay-position", "relay-piece", "relay-commit-time":
		return true
	}
	return false
}

func (r Routing) validateHeaders() (errs []error) {
	seen := make(map[string]string)
	for _, h := range []struct{ key, name string }{
		{"id", r.Headers.ID}, {"type", r.Headers.Type}, {"transaction", r.Headers.Transaction},
	} {
		path := "routing.headers." + h.key
		other, twice := seen[h.name]
		switch {
		case h.name == "":
			continue
		case ownHeader(h.name):
			errs = append(errs, &ConfigError{path, h.name, "Relay writes this header itself; choose another name"})
		case twice:
			errs = append(errs, &ConfigError{path, h.name, other + " has the same name; a consumer could not tell them apart"})
		}
		seen[h.name] = path
	}
	return errs
}

func (c Config) validateRouting() (errs []error) {
	switch c.Routing.Tombstone {
	case TombstoneNull, TombstoneEmpty, TombstoneNever:
	default:
		errs = append(errs, &ConfigError{"routing.tombstone", string(c.Routing.Tombstone), `want "null", empty or never`})
	}
	if c.Routing.Topic == "" && len(c.Routing.Rules) == 0 && !c.hasTopicColumn() {
		errs = append(errs, &ConfigError{"routing.topic", "", "want a template such as ${aggregate_type}.events, or rules: no event would have a topic"})
	}
	f := fields{columns: c.Columns}
	if _, err := newRouter(c, &f, newTopicRules(c.ReservedTopics)); err != nil {
		errs = append(errs, err)
	}
	return append(errs, c.validateMessages()...)
}

func (c Config) hasTopicColumn() bool {
	_, mapped := c.Columns[fieldTopic.logicalName()]
	return mapped || c.Format == FormatRelay || c.WALMessages != ""
}

// validateMessages refuses routing by what a WAL message does not have.
func (c Config) validateMessages() (errs []error) {
	if c.WALMessages == "" {
		return nil
	}
	f := fields{columns: c.Columns}
	router, err := newRouter(c, &f, newTopicRules(c.ReservedTopics))
	if err != nil {
		return nil // reported already
	}
	refuse := func(path, name string) {
		errs = append(errs, &ConfigError{path, name, "a WAL message has no such column; outbox.wal_messages allows id, aggregate_type, aggregate_id, event_type and topic"})
	}
	for _, of := range router.reads() {
		if !inFrame(of) {
			refuse("routing.topic or rules", f.name(of))
		}
	}
	if key := c.Routing.Key; key != "" && !inFrame(f.resolve(key)) {
		refuse("routing.key", key)
	}
	if p := c.Routing.Partition; p != "" {
		refuse("routing.partition", p)
	}
	return errs
}

// inFrame says whether a field is a member of the frame of a WAL message.
func inFrame(f field) bool {
	switch f {
	case fieldID, fieldAggregateType, fieldAggregateID, fieldEventType, fieldTopic:
		return true
	}
	return false
}
