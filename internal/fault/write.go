package fault

import (
	"errors"
	"io"
	"strings"
)

// Style is how an error is dressed when it is printed.
type Style struct {
	// Lead says what could not be done, as "cannot start"; empty leaves it out.
	Lead string
	// Colour allows escape sequences.
	Colour bool
}

// Write prints err for a person:
//
//	relay: refused to start: slot "relay_payments" is ahead of the checkpoint [RLY1003]
//	  checkpoint        0/7A41C98
//	Hint: `relay repair` shows which rows are in that range.
//
// Code, details and hint are those of the outermost Error in the chain; text that others wrapped around it is kept.
func Write(w io.Writer, err error, style Style) {
	if err == nil {
		return
	}
	f, ok := errors.AsType[*Error](err)
	if !ok {
		f = &Error{Code: Failed}
	}
	paint := painter(style.Colour)
	var b strings.Builder
	b.WriteString(paint(red, "relay:") + " ")
	if style.Lead != "" {
		b.WriteString(style.Lead + ": ")
	}
	b.WriteString(oneLine(err.Error()) + " " + paint(faint, "["+f.Code.String()+"]") + "\n")
	for _, detail := range f.Details {
		for line := range strings.Lines(detail) {
			b.WriteString("  " + strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	if f.Hint != "" {
		b.WriteString(paint(cyan, "Hint:") + " " + f.Hint + "\n")
	}
	// An error that cannot be printed has nowhere else to go.
	_, _ = io.WriteString(w, b.String())
}

// Escape sequences of the three colours in use.
const (
	red   = "\x1b[31m"
	cyan  = "\x1b[36m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

func painter(colour bool) func(escape, text string) string {
	if !colour {
		return func(_, text string) string { return text }
	}
	return func(escape, text string) string { return escape + text + plain }
}

// oneLine keeps a summary on one line, whatever a server or library put into its error text.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
}
