package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// journal takes down what a process writes to a pipe, line by line as it comes, and keeps it in a file. Its readers may
// wait for a line.
type journal struct {
	path string

	mu     sync.Mutex
	lines  []journalLine
	more   chan struct{} // closed and replaced when a line was added, or at the end
	closed bool
	err    error
}

type journalLine struct {
	at   time.Time
	text string
}

// newJournal gives the journal and the end of the pipe to write to, which the caller closes when a process has
// inherited it.
func newJournal(path string) (*journal, *os.File, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	j := &journal{path: path, more: make(chan struct{})}
	go j.keep(r, file)
	return j, w, nil
}

// keep reads to the end of the pipe, which comes when every process that has inherited it is gone.
func (j *journal) keep(r io.ReadCloser, file *os.File) {
	var err error
	in := bufio.NewReaderSize(io.TeeReader(r, file), 64<<10)
	for err == nil {
		var line string
		if line, err = in.ReadString('\n'); line != "" {
			j.add(journalLine{at: time.Now(), text: line})
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	err = errors.Join(err, r.Close(), file.Close())
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed, j.err = true, err
	close(j.more)
}

func (j *journal) add(l journalLine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, l)
	close(j.more)
	j.more = make(chan struct{})
}

// since gives the lines from index i on, and what says that there are more.
func (j *journal) since(i int) (lines []journalLine, more <-chan struct{}, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[i:len(j.lines):len(j.lines)], j.more, j.closed
}

// all gives what has been written by now.
func (j *journal) all() []journalLine {
	lines, _, _ := j.since(0)
	return lines
}

// errEnded says that the process wrote nothing more before what was waited for came.
var errEnded = errors.New("the process has ended")

// await waits for the first line from index i on that matches.
func (j *journal) await(ctx context.Context, i int, match func(string) bool) (journalLine, error) {
	for {
		lines, more, closed := j.since(i)
		for _, l := range lines {
			i++
			if match(l.text) {
				return l, nil
			}
		}
		if closed {
			return journalLine{}, fmt.Errorf("wait for a line in %s: %w", j.path, errEnded)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return journalLine{}, fmt.Errorf("wait for a line in %s: %w", j.path, context.Cause(ctx))
		}
	}
}

// done waits until the pipe has ended.
func (j *journal) done() error {
	for {
		_, more, closed := j.since(0)
		if closed {
			return j.err
		}
		<-more
	}
}

// len is the number of lines by now.
func (j *journal) len() int { return len(j.all()) }
