package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/outbox-relay/relay/outbox"
)

// daemon is a running `relay run`.
type daemon struct {
	*child
	mu        sync.Mutex
	said      bytes.Buffer
	streaming chan struct{} // closed when it streams
	ended     chan struct{} // closed when it has ended
	err       error         // how; set before ended is closed
}

// start starts the relay of a run. It ends with stop or kill, in any case with the benchmark.
func (b *bench) start(ctx context.Context, r *relayRun) error {
	d := &daemon{child: b.command(context.WithoutCancel(ctx), "run", "--config", r.config), streaming: make(chan struct{}), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = nil, nil
	log, err := d.cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	go d.watch(log)
	r.daemon = d
	return nil
}

func (d *daemon) watch(log io.Reader) {
	streaming := sync.OnceFunc(func() { close(d.streaming) })
	for lines := bufio.NewScanner(log); lines.Scan(); {
		d.mu.Lock()
		d.said.WriteString(lines.Text() + "\n")
		d.mu.Unlock()
		if strings.Contains(lines.Text(), `"msg":"streaming"`) {
			streaming()
		}
	}
	d.err = d.cmd.Wait()
	close(d.ended)
}

// await waits until the relay streams.
func (d *daemon) await(ctx context.Context) error {
	select {
	case <-d.streaming:
		return nil
	case <-d.ended:
		return d.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *daemon) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &childError{args: d.cmd.Args[1:], err: d.err, said: d.said.String()}
}

// kill is kill -9.
func (d *daemon) kill() error {
	if err := d.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill relay: %w", err)
	}
	<-d.ended
	return nil
}

// stop ends the relay as a service manager does.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return d.failure() // it has ended by itself
	}
	<-d.ended
	if d.err != nil {
		return d.failure()
	}
	return nil
}

// close ends the relay whatever it does.
func (d *daemon) close() {
	_ = d.cmd.Process.Signal(os.Kill)
	<-d.ended
}

// live starts the relay with a new slot and topic, has f measure it, and ends it.
func (b *bench) live(ctx context.Context, f func(*relayRun) error) error {
	slot := func(ctx context.Context) (outbox.LSN, error) { return b.db.createSlot(ctx, b.names.slot()) }
	r, err := b.newRun(ctx, b.kafka, partitions, slot)
	if err != nil {
		return err
	}
	if err := b.start(ctx, r); err != nil {
		return err
	}
	defer func() { r.daemon.close() }() // the one that runs then
	if err := r.daemon.await(ctx); err != nil {
		return err
	}
	if err := f(r); err != nil {
		return err
	}
	if err := r.daemon.stop(); err != nil {
		return err
	}
	return b.end(ctx, r)
}
