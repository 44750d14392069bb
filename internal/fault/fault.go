// Package fault is the form of every error that a person reads: what went wrong, what to do, a stable code, and the
// exit code that scripts and service managers see. It knows no other package of Relay's.
package fault

import "errors"

// Exit codes of the relay command.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitConfig      = 3
	ExitRefused     = 4 // a person must decide
	ExitUnreachable = 5 // Postgres, Kafka or the daemon
	ExitWanting     = 6 // looked, and found wanting
	ExitTimeout     = 7
	ExitInterrupted = 130
)

// Error is an error with its remedy.
type Error struct {
	Code    Code
	Summary string   // names the thing and the value, lowercase, no full stop
	Details []string // further lines, each indented by two blanks when printed
	Hint    string   // what the operator should do
	Err     error    // the cause, if any; printed after the summary
}

// Error is the summary with the cause, on one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Summary
	}
	return e.Summary + ": " + oneLine(e.Err.Error())
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Exit is the exit code for err: that of the outermost Error in its chain, else ExitFailed.
func Exit(err error) int {
	if err == nil {
		return ExitDone
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Code.Exit()
	}
	return ExitFailed
}
