package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/internal/systemd"
)

// daemon is what others can ask of a relay that runs: it is the admin.Daemon.
type daemon struct {
	app   *app
	setup setup
	level *slog.LevelVar
	began config.Config // what the process began with

	reloading sync.Mutex
}

// attend begins everything by which others speak to the relay or look at it over time, and tells where the admin socket
// is. end ends all of it.
func (d *daemon) attend(ctx context.Context) (socket string, end func(), err error) {
	socket, closeSocket, err := d.serveAdmin()
	if err != nil {
		return "", nil, err
	}
	noMoreHangups := d.reloadOnHangup(ctx)
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var watched sync.WaitGroup
	watched.Go(func() { d.setup.status.Watch(watching) })
	managed, err := d.tellManager(ctx)
	if err != nil {
		d.setup.logger.Warn("the service manager cannot be told how the relay is", "error", err.Error())
	}
	return socket, func() {
		managed()
		stopWatching()
		watched.Wait()
		noMoreHangups()
		closeSocket()
	}, nil
}

// Pause publishes nothing from then on.
func (d *daemon) Pause(ctx context.Context, by string) error { return d.setup.control.Pause(ctx, by) }

// Resume ends a pause.
func (d *daemon) Resume(ctx context.Context) error { return d.setup.control.Resume(ctx) }

// Status is how things stand.
func (d *daemon) Status() status.View { return d.setup.status.View() }

// Reload reads the configuration again, from where the process read it, and begins a new session with it. The warnings
// name what takes effect only in a new process.
func (d *daemon) Reload(ctx context.Context) ([]string, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	l, err := config.Load(d.app.loading())
	if err != nil {
		return nil, err
	}
	s := d.setup
	s.config = l.Config
	if err := s.control.Reload(ctx, relayConfig(s)); err != nil {
		return nil, err
	}
	limitMemory(l.Config.Batch.Memory, d.app.getenv("GOMEMLIMIT"))
	s.status.Configure(trackerOptions(l.Config)...)
	setLevel(d.level, l.Config.Log)
	return append(slices.Clone(l.Warnings), notReloaded(d.began, l.Config)...), nil
}

// notReloaded names the keys that only a new process obeys.
func notReloaded(began, now config.Config) (warnings []string) {
	for _, key := range []struct {
		name    string
		changed bool
	}{
		{"server.listen", began.Server.Listen != now.Server.Listen},
		{"server.admin_socket", began.Server.AdminSocket != now.Server.AdminSocket},
		{"log.format", began.Log.Format != now.Log.Format},
		{"tracing.otlp_endpoint", began.Tracing != now.Tracing},
	} {
		if key.changed {
			warnings = append(warnings, key.name+" takes effect when the process is started again")
		}
	}
	return warnings
}

// reloadOnHangup does so on SIGHUP until the function that it returns is called.
func (d *daemon) reloadOnHangup(ctx context.Context) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			select {
			case <-hangups:
				d.reload(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		ended.Wait()
	}
}

// reload says in the log what a caller of Reload would be told.
func (d *daemon) reload(ctx context.Context) {
	warnings, err := d.Reload(ctx)
	for _, warning := range warnings {
		d.setup.logger.Warn("configuration loaded again in part", "warning", warning)
	}
	if err == nil {
		return
	}
	attrs := []any{"error", err.Error()}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		attrs = append(attrs, "code", f.Code.String(), "hint", f.Hint, "details", f.Details)
	}
	d.setup.logger.Error("configuration not loaded: the relay goes on as it was", attrs...)
}

// serveAdmin makes the admin socket. Only one that was configured must be there.
func (d *daemon) serveAdmin() (path string, stop func(), err error) {
	configured := d.setup.config.Server.AdminSocket
	if configured == admin.None {
		return admin.None, func() {}, nil
	}
	server, err := admin.Serve(d.app.adminSockets(d.setup.config), d, d.setup.logger)
	switch {
	case err == nil:
		return server.Path, server.Close, nil
	case configured == "" && errors.Is(err, admin.ErrNoPlace):
		return admin.None, func() {}, nil
	case configured == "":
		d.setup.logger.Warn("no admin socket: relay pause, resume and reload cannot be used", "reason", err.Error())
		return admin.None, func() {}, nil
	}
	return "", nil, &fault.Error{
		Code: fault.ListenFailed, Summary: err.Error(),
		Hint: "server.admin_socket wants a directory that only the relay's user can write to, and each relay a socket of its own; \"" + admin.None + "\" serves none.",
	}
}

// adminSockets are the paths where the relay's socket may be.
func (a *app) adminSockets(c config.Config) []string {
	return admin.Candidates(c.Server.AdminSocket, c.Name, a.getenv("XDG_RUNTIME_DIR"))
}

// stuckForGood is after how long without any checkpoint, while events wait, even the time-outs that start a new session
// seem to have failed: then only a new process helps.
const stuckForGood = 5 * time.Minute

// tellManager tells systemd how the relay is.
func (d *daemon) tellManager(ctx context.Context) (stop func(), err error) {
	return systemd.Start(ctx, d.app.getenv, func() systemd.Health {
		r, stuck := d.setup.status.Health()
		line := string(r.State)
		if r.Reason != "" {
			line += ": " + r.Reason
		}
		return systemd.Health{Status: line, Well: stuck < stuckForGood, Stopping: r.State == status.Stopping}
	})
}
