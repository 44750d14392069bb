package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progressBar shows how far a long command is: on a terminal a line that changes, elsewhere a line now and then.
type progressBar struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	begun    time.Time
	said     time.Time
	shown    bool
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 30
)

func newProgressBar(w io.Writer, terminal bool) *progressBar {
	now := time.Now()
	return &progressBar{w: w, terminal: terminal, now: time.Now, begun: now, said: now}
}

// show says how far it is; total is 0 when unknown.
func (p *progressBar) show(what string, done, total int64) {
	now := p.now()
	every := lineEvery
	if p.terminal {
		every = barEvery
	}
	if now.Sub(p.said) < every {
		return
	}
	p.said, p.shown = now, true
	text := fmt.Sprintf("%4s  %s", age(now.Sub(p.begun)), what)
	switch {
	case total > 0 && p.terminal:
		full := int(barWidth * done / total)
		text += fmt.Sprintf("  [%s%s] %d %%", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*done/total)
	case total > 0:
		text += fmt.Sprintf("  %s of %s, %d %%", thousands(uint64(done)), thousands(uint64(total)), 100*done/total)
	case done > 0:
		text += "  " + thousands(uint64(done))
	}
	if p.terminal {
		fmt.Fprint(p.w, clearLine+text)
		return
	}
	fmt.Fprintln(p.w, text)
}

const clearLine = "\r\x1b[K"

// end takes the line away.
func (p *progressBar) end() {
	if p.terminal && p.shown {
		fmt.Fprint(p.w, clearLine)
	}
}

// thousands prints a number with commas: 4,120,333.
func thousands(n uint64) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
