package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/outbox-relay/relay/internal/fault"
)

// errInterrupted is the cause of a context that a signal has cancelled: finish what has begun, then end.
var errInterrupted = errors.New("interrupted by a signal")

// interruptible gives a context that SIGINT or SIGTERM cancels with errInterrupted. A second signal ends the process at
// once. That is safe at any moment: a session that was cut off is resumed like one that was killed.
func interruptible(parent context.Context, exit func(int)) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-signals:
			exit(fault.ExitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
