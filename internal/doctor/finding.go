package doctor

import (
	"fmt"

	"github.com/outbox-relay/relay/internal/guard"
)

// Level says how well a thing is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works, and will not always
	Fail Level = "fail" // does not work, or loses events
	Skip Level = "skip" // could not be looked at
)

// Category groups checks.
type Category string

// The categories, in the order in which they are shown.
const (
	Postgres   Category = "postgres"
	Slot       Category = "slot"
	Outbox     Category = "outbox"
	Kafka      Category = "kafka"
	Topics     Category = "topics"
	Checkpoint Category = "checkpoint"
)

// Categories are all categories.
func Categories() []Category { return []Category{Postgres, Slot, Outbox, Kafka, Topics, Checkpoint} }

// Finding is what one check found about one thing.
type Finding struct {
	Category Category `json:"category"`
	Check    string   `json:"check"` // stable within relay/v1
	Level    Level    `json:"level"`
	Summary  string   `json:"summary"`
	Details  []string `json:"details,omitempty"`
	// SQL are whole statements for a role that may; Commands are for a shell. Both mend it.
	SQL      []string `json:"sql,omitempty"`
	Commands []string `json:"commands,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	Code     string   `json:"code,omitempty"` // of the refusal that a relay would end with
}

func found(level Level, format string, args ...any) Finding {
	return Finding{Level: level, Summary: fmt.Sprintf(format, args...)}
}

func (f Finding) hint(format string, args ...any) Finding {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

func (f Finding) sql(statements ...string) Finding {
	f.SQL = statements
	return f
}

func (f Finding) command(format string, args ...any) Finding {
	f.Commands = append(f.Commands, fmt.Sprintf(format, args...))
	return f
}

// refused is a verdict of the guard's as a finding.
func refused(r *guard.Refusal) Finding {
	f := Finding{Level: Fail, Summary: r.Summary, Details: r.Details, SQL: r.SQL, Hint: r.Hint, Code: r.Code.String()}
	if len(r.SQL) > 0 && r.Hint == r.SQL[0] {
		f.Hint = ""
	}
	return f
}
