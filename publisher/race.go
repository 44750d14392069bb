package publisher

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// racers is how many brokers are asked at once. One of them may hang.
const racers = 3

// race asks brokers the same question, each over a connection of its own and a few at a time, and takes the first
// answer with its connection. The question must be harmless to ask twice.
func race[T any](
	ctx context.Context, c *Client, addrs []string, ask func(context.Context, *conn) (T, error),
) (T, *conn, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := &contest[T]{c: c, ask: ask, won: stop}
	next := make(chan string, len(addrs))
	for _, addr := range addrs {
		next <- addr
	}
	close(next)
	var wait sync.WaitGroup
	for range min(racers, len(addrs)) {
		wait.Go(func() {
			for addr := range next {
				if ctx.Err() != nil {
					return
				}
				r.try(ctx, addr)
			}
		})
	}
	wait.Wait()
	if r.winner != nil {
		return r.answer, r.winner, nil
	}
	if err := context.Cause(ctx); err != nil {
		r.failed = append(r.failed, err)
	}
	return r.answer, nil, fmt.Errorf("no broker answers: %w", errors.Join(r.failed...))
}

// contest is what the racers share.
type contest[T any] struct {
	c   *Client
	ask func(context.Context, *conn) (T, error)
	won context.CancelFunc

	mu     sync.Mutex
	winner *conn
	answer T
	failed []error
}

func (r *contest[T]) try(ctx context.Context, addr string) {
	conn, err := r.c.dial(r.c.control, addr)
	var answer T
	if err == nil {
		answer, err = r.ask(ctx, conn)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && r.winner == nil:
		r.winner, r.answer = conn, answer
		r.won()
		return
	case err != nil && ctx.Err() == nil:
		r.failed = append(r.failed, err)
	}
	if conn != nil {
		r.c.drop(conn)
	}
}
