package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/outbox"
)

// recvlogical is Postgres' own reader, which copies the stream to a file: what everything else is compared with.
type recvlogical struct {
	program, version string
}

// oldestRecvlogical is the first whose speed is compared with.
const oldestRecvlogical = 15

// findRecvlogical looks in the path and where Debian keeps it; nil when there is none that is new enough.
func findRecvlogical(ctx context.Context) (*recvlogical, error) {
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_recvlogical")
	if err != nil {
		return nil, err
	}
	slices.Reverse(programs) // the newest of Debian's comes first
	if found, err := exec.LookPath("pg_recvlogical"); err == nil {
		programs = append([]string{found}, programs...)
	}
	version := regexp.MustCompile(`\) ((\d+)\S*)`)
	for _, program := range programs {
		out, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			continue
		}
		m := version.FindSubmatch(out)
		if m == nil {
			continue
		}
		if major, err := strconv.Atoi(string(m[2])); err == nil && major >= oldestRecvlogical {
			return &recvlogical{program: program, version: string(m[1])}, nil
		}
	}
	return nil, nil //nolint:nilnil // not installed is no error
}

// copyFrom copies what a slot sends until an LSN to a file, and measures from the first byte to the last.
func (p *recvlogical) copyFrom(ctx context.Context, s config.Source, slot, publication string, until outbox.LSN, events int) (r report, err error) {
	dir, err := os.MkdirTemp(memoryDir(events), "relay-bench-")
	if err != nil {
		return r, fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "stream")
	conninfo, password, err := splitPassword(s)
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, p.program, "--dbname", conninfo, "--slot", slot, "--start", "--no-loop",
		"--option", "proto_version=1", "--option", "publication_names="+publication, "--endpos", until.String(), "--file", file)
	cmd.Env = os.Environ()
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	endWithUs(cmd)
	watch := watchFile(file)
	out, err := cmd.CombinedOutput()
	r.First, r.Last = watch.stop()
	if err != nil {
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		return r, fmt.Errorf("run pg_recvlogical: %w: %s", err, out)
	}
	r.Events = uint64(events)
	r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return r, nil
}

// copiedBytes is about what the file has for each event, and a margin.
const copiedBytes = 1000

// memoryDir is a directory in memory where there is one with room for so many events.
func memoryDir(events int) string {
	const shm = "/dev/shm"
	if freeBytes(shm) > int64(events)*copiedBytes {
		return shm
	}
	return os.TempDir()
}

// fileWatch notes when a file got its first byte and when it grew last.
type fileWatch struct {
	done, ended chan struct{}
	path        string
	first, last time.Time
	size        int64
}

func watchFile(path string) *fileWatch {
	w := &fileWatch{done: make(chan struct{}), ended: make(chan struct{}), path: path}
	go func() {
		defer close(w.ended)
		for {
			w.look()
			select {
			case <-w.done:
				w.look()
				return
			case <-time.After(firstEvery):
			}
		}
	}()
	return w
}

func (w *fileWatch) look() {
	info, err := os.Stat(w.path)
	if err != nil || info.Size() == w.size {
		return
	}
	w.size, w.last = info.Size(), time.Now()
	if w.first.IsZero() {
		w.first = w.last
	}
}

func (w *fileWatch) stop() (first, last time.Time) {
	close(w.done)
	<-w.ended
	return w.first, w.last
}
