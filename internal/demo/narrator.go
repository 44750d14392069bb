package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// narrator tells what happens, with the seconds since the beginning.
type narrator struct {
	began time.Time

	mu sync.Mutex
	w  io.Writer
}

func newNarrator(w io.Writer) *narrator { return &narrator{began: time.Now(), w: w} }

// step tells what has happened to whom.
func (n *narrator) step(who, format string, args ...any) {
	line := fmt.Sprintf("%5.1fs  %-12s  %s", time.Since(n.began).Seconds(), who, fmt.Sprintf(format, args...))
	n.print("%s\n", strings.TrimRight(line, " "))
}

// show prints text as it is, set off from the steps.
func (n *narrator) show(text string) {
	const margin = "          "
	n.print("\n%s%s\n\n", margin, strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+margin))
}

func (n *narrator) print(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	// Nobody is left to be told when standard output fails; the exit code still counts.
	_, _ = fmt.Fprintf(n.w, format, args...)
}
