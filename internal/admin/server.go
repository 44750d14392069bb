package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/user"
	"strconv"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// Daemon is a relay that runs.
type Daemon interface {
	// Pause publishes nothing from then on; by says who asked. It returns when nothing is being published any more.
	Pause(ctx context.Context, by string) error
	// Resume ends a pause.
	Resume(ctx context.Context) error
	// Reload reads the configuration again. The warnings say what of it takes no effect in this process.
	Reload(ctx context.Context) (warnings []string, err error)
	// Status is how things stand.
	Status() status.View
}

// Server answers on the admin socket.
type Server struct {
	// Path of the socket.
	Path   string
	server *http.Server
	served chan struct{}
}

// Serve listens at the first candidate that can be used (see Candidates).
func Serve(candidates []string, d Daemon, log *slog.Logger) (*Server, error) {
	l, err := listen(candidates, log)
	if err != nil {
		return nil, err
	}
	s := &Server{Path: l.Addr().String(), served: make(chan struct{})}
	s.server = &http.Server{
		Handler: handler(d), ReadHeaderTimeout: 5 * time.Second, ConnContext: rememberPeer,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.served)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin socket ended", "error", err.Error())
		}
	}()
	return s, nil
}

// Close lets answers that have begun be finished, and removes the socket.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		_ = s.server.Close()
	}
	<-s.served
}

func handler(d Daemon) http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern string, do func(*http.Request) ([]string, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var warnings []string
			err := meant(r, d.Status().Relay)
			if err == nil {
				warnings, err = do(r)
			}
			write(w, Answer{APIVersion: apiVersion, Kind: kind, Warnings: warnings, Status: d.Status(), Error: refusalOf(err)})
		})
	}
	serve("POST /pause", func(r *http.Request) ([]string, error) { return nil, d.Pause(r.Context(), peerName(r.Context())) })
	serve("POST /resume", func(r *http.Request) ([]string, error) { return nil, d.Resume(r.Context()) })
	serve("POST /reload", func(r *http.Request) ([]string, error) { return d.Reload(r.Context()) })
	serve("GET /status", func(*http.Request) ([]string, error) { return nil, nil })
	return mux
}

// meant refuses a request for another relay: the caller's configuration names our socket by mistake.
func meant(r *http.Request, is string) error {
	if wanted := r.URL.Query().Get("relay"); wanted != "" && wanted != is {
		return &fault.Error{
			Code: fault.DaemonUnreachable, Summary: fmt.Sprintf("relay %q listens at this socket, not %q", is, wanted),
			Hint: "Nothing was done. Check name and server.admin_socket in the configuration.",
		}
	}
	return nil
}

func write(w http.ResponseWriter, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	if a.Error != nil {
		w.WriteHeader(http.StatusConflict)
	}
	// A client that went away needs no answer.
	_ = json.NewEncoder(w).Encode(a)
}

// peerKey finds the user of a connection in a request's context.
type peerKey struct{}

func rememberPeer(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok {
		return context.WithValue(ctx, peerKey{}, c.uid)
	}
	return ctx
}

// peerName is the user who asks.
func peerName(ctx context.Context) string {
	uid, ok := ctx.Value(peerKey{}).(int)
	if !ok {
		return "somebody"
	}
	return userName(uid)
}

// userName is the user's name, or number where it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(uid)
}
