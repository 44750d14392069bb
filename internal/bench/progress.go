package bench

import (
	"fmt"
	"io"
	"time"
)

// Progress is told what is being done.
type Progress interface {
	// Step says that step done of total begins.
	Step(done, total int, label string)
	// Done says that the steps are over, and what is left to do.
	Done(label string)
}

type noProgress struct{}

func (noProgress) Step(int, int, string) {}
func (noProgress) Done(string)           {}

// progressEvery is how often a line is written where there is no terminal.
const progressEvery = 10 * time.Second

// Lines writes progress for people: on a terminal one line that changes, elsewhere a line now and then.
type Lines struct {
	w        io.Writer
	terminal bool
	begun    time.Time
	said     time.Time
	now      func() time.Time
}

// NewLines writes to w.
func NewLines(w io.Writer, terminal bool) *Lines {
	return &Lines{w: w, terminal: terminal, begun: time.Now(), now: time.Now}
}

// Step says what begins.
func (l *Lines) Step(done, total int, label string) {
	l.say(fmt.Sprintf("[%d/%d] %s", done+1, total, label))
}

// Done ends the line of a terminal.
func (l *Lines) Done(label string) {
	l.said = time.Time{}
	l.say(label)
	if l.terminal {
		fmt.Fprint(l.w, "\n")
	}
}

const clearLine = "\r\x1b[K"

func (l *Lines) say(text string) {
	now := l.now()
	text = fmt.Sprintf("%s  %s", now.Sub(l.begun).Round(time.Second), text)
	if l.terminal {
		fmt.Fprint(l.w, clearLine+text)
		return
	}
	if now.Sub(l.said) >= progressEvery {
		l.said = now
		fmt.Fprintln(l.w, text)
	}
}
