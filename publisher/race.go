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
	var (
		mu     sync.Mutex
		winner *conn
		first  T
		failed []error
		wait   sync.WaitGroup
	)
	next := make(chan string, len(addrs))
	for _, addr := range addrs {
		next <- addr
	}
	close(next)
	try := func(addr string) {
		conn, err := c.dial(c.control, addr)
		var answer T
		if err == nil {
			answer, err = ask(ctx, conn)
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil && winner == nil:
			winner, first = conn, answer
			stop()
			return
		case err != nil && ctx.Err() == nil:
			failed = append(failed, err)
		}
		if conn != nil {
			c.drop(conn)
		}
	}
	for range min(racers, len(addrs)) {
		wait.Go(func() {
			for addr := range next {
				if ctx.Err() != nil {
					return
				}
				try(addr)
			}
		})
	}
	wait.Wait()
	if winner != nil {
		return first, winner, nil
	}
	var none T
	if err := context.Cause(ctx); err != nil {
		failed = append(failed, err)
	}
	return none, nil, fmt.Errorf("no broker answers: %w", errors.Join(failed...))
}
