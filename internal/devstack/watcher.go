package devstack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// watcherScript runs in a shell of its own session. It reads which processes live ("+ pid signal", "- pid") from a pipe
// whose other end only our process holds. When that ends, by Close or by a death of any kind, it sends each process
// its signal, kills what is left after eight seconds (Postgres kills its own children after five), and removes the
// directory.
//
// A shell, because the alternatives are worse: Pdeathsig follows the thread, not the process, and is lost on exec of
// a program with other credentials; a re-exec of our own binary needs a hook in every main and TestMain.
const watcherScript = `
trap '' HUP INT QUIT TERM
live=' '
while read -r what pid signal; do
	case $what in
	+) live="$live$pid:$signal " ;;
	-) rest=' '
		for p in $live; do [ "${p%%:*}" = "$pid" ] || rest="$rest$p "; done
		live=$rest ;;
	esac
done
for p in $live; do kill -"${p#*:}" "${p%%:*}"; kill -CONT "${p%%:*}"; done
tries=0
while [ "$live" != ' ' ] && [ $tries -lt 240 ]; do
	[ $tries -gt 0 ] && sleep 0.05
	tries=$((tries + 1))
	rest=' '
	for p in $live; do
		if kill -0 "${p%%:*}" && ! grep -q '^State:.Z' "/proc/${p%%:*}/status"; then
			rest="$rest$p "
			[ $tries -gt 160 ] && kill -KILL "${p%%:*}"
		fi
	done
	live=$rest
done
rm -rf -- "$0"
`

// announceScript starts a server from a shell that first tells the watcher its own process id, which the server
// inherits: there is no moment in which our death would leave a server that the watcher does not know.
const announceScript = `echo "+ $$ $0" >&3; exec 3>&-; exec "$@"`

// watcher outlives this process for as long as it takes to end its servers and to remove their directory.
type watcher struct {
	dir  string
	pipe *os.File
	cmd  *exec.Cmd
}

// newWatcher watches over dir, which it removes in the end.
func newWatcher(dir string) (*watcher, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make watcher pipe: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", watcherScript, dir)
	cmd.Dir = "/"
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start watcher: %w", err)
	}
	return &watcher{dir: dir, pipe: w, cmd: cmd}, nil
}

// command prepares a server that dies with this process. signal is what ends it then, by its shell name.
func (w *watcher) command(signal, program string, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", announceScript, signal, program}, args...)...)
	cmd.Dir = w.dir
	cmd.ExtraFiles = []*os.File{w.pipe}
	return cmd
}

// ended tells the watcher that a process has been reaped, so that its id may belong to a stranger from now on.
func (w *watcher) ended(pid int) error {
	_, err := fmt.Fprintf(w.pipe, "- %d\n", pid)
	return err
}

// Close ends what is still running, removes the directory and waits until that is done. It may be called twice.
func (w *watcher) Close() error {
	if err := w.pipe.Close(); errors.Is(err, os.ErrClosed) {
		return nil
	}
	if err := w.cmd.Wait(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("remove %s: %w", w.dir, err)
	}
	return nil
}
