package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/page"
	"github.com/outbox-relay/relay/internal/status"
)

// statusServer serves health, metrics and status.
type statusServer struct {
	address string // as listened on
	close   func()
}

// listenStatus listens before anything else is done, so that a port in use ends the process at once instead of leaving a
// relay that nobody can look at. An empty address serves nothing.
func listenStatus(address string, handler http.Handler, log *slog.Logger) (*statusServer, error) {
	if address == "" {
		return &statusServer{address: "off", close: func() {}}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &fault.Error{
			Code: fault.ListenFailed, Summary: "listen for status at " + address, Err: cause(err),
			Hint: "Is another relay at work here? Set server.listen to a free address, to port 0 for any, or to \"\" to serve nothing.",
		}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("status server ended", "error", err.Error())
		}
	}()
	return &statusServer{address: listener.Addr().String(), close: func() { stopServer(server, served) }}, nil
}

// shown is everything that the server serves: the page for people at /, the rest for machines.
func shown(t *status.Tracker) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", t.Handler())
	mux.Handle("GET /{$}", page.Handler(t, time.Now))
	return mux
}

// stopServer lets answers that have begun be finished.
func stopServer(server *http.Server, served <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
	<-served
}

// cause leaves out the address that net repeats in its errors.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
