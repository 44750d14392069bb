package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/internal/trace"
)

// runFlags are the flags of run.
type runFlags struct {
	runOptions
	protocolLog string
}

func newCmdRun(a *app, runF func(context.Context, runFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.run
	}
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Publish, until stopped",
		Long: `Publish committed outbox events to Kafka until stopped. A relay that cannot go on stays up, is not ready, and comes back
by itself: servers that cannot be reached, a slot that another relay has (it stands by), a refusal whose cause is gone.

SIGTERM and SIGINT finish the Kafka transaction that has begun, at most 10 s, and exit with 0; a second one exits at
once. SIGHUP reads the configuration again, as relay reload does. Health, metrics and status are at server.listen:
/livez, /readyz, /metrics, /status, and a page for people at /. systemd is told how the relay is (Type=notify).
The memory limit of the process follows batch.memory, unless GOMEMLIMIT is set.`,
		Example: `  relay run -c relay.yaml
  relay run --once                # publish what is committed now, then end
  relay run --exit-when-refused   # for service managers that page somebody on exit code 4`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVar(&f.once, "once", false, "end when everything committed before the start is published")
	cmd.Flags().BoolVar(&f.exitWhenRefused, "exit-when-refused", false, "end with exit code 4 when a person must decide")
	cmd.Flags().StringVar(&f.protocolLog, "protocol-log", "", "append each protocol action to this file, one JSON object a line")
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitRefused, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

// run is the daemon.
func (a *app) run(ctx context.Context, f runFlags) error {
	a.lead, a.daemon = "cannot start", true
	l, err := a.load()
	if err != nil {
		return err
	}
	limitMemory(l.Config.Batch.Memory, a.getenv("GOMEMLIMIT"))
	level := new(slog.LevelVar)
	setLevel(level, l.Config.Log)
	log := newLeveledLogger(a.err, level, l.Config.Log.Format, isTerminal(a.err), a.colour(a.err))
	s := a.newSetup(l.Config, log)
	closeProtocol, err := s.openProtocol(f.protocolLog)
	if err != nil {
		return err
	}
	defer closeProtocol()
	if endpoint := l.Config.Tracing.OTLPEndpoint; endpoint != "" {
		exporter := trace.Start(ctx, endpoint, trace.Source{Relay: l.Config.Name, Version: s.version, Host: s.host}, log)
		defer exporter.Close()
		s.trace = exporter
	}
	server, err := listenStatus(l.Config.Server.Listen, shown(s.status), log)
	if err != nil {
		return err
	}
	defer server.close()
	d := &daemon{app: a, setup: s, level: level, began: l.Config}
	socket, end, err := d.attend(ctx)
	if err != nil {
		return err
	}
	defer end()
	log.Info("relay started", "relay", l.Config.Name, "version", s.version, "config", l.File, "listen", server.address, "admin", socket)
	said := sayStopping(ctx, s)
	err = a.engine.Run(ctx, s, f.runOptions)
	if said() && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)) {
		log.Info("stopped")
		return nil
	}
	a.lead = lead(err, s.status.View())
	return err
}

// sayStopping says so when a signal comes. The function it returns waits until that is said, and tells whether one came.
func sayStopping(ctx context.Context, s setup) func() bool {
	said := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(said)
		s.status.SetState(status.Stopping, "a signal asked for it", 0)
		s.logger.Info("stopping")
	})
	return func() bool {
		if forget() {
			return false
		}
		<-said
		return true
	}
}

// openProtocol makes the protocol log write to a file; no file, no protocol.
func (s *setup) openProtocol(path string) (closeFile func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open protocol log: %w", err)
	}
	s.protocol = slog.New(slog.NewJSONHandler(file, &slog.HandlerOptions{ReplaceAttr: forMachines, Level: slog.LevelDebug}))
	return func() {
		if err := file.Close(); err != nil {
			s.logger.Warn("protocol log not closed", "error", err.Error())
		}
	}, nil
}

// lead says what a daemon that ends with err could not do: start, or go on after it has streamed.
func lead(err error, v status.View) string {
	what := "start"
	if slices.ContainsFunc(v.Sessions.Recent, func(s status.SessionView) bool { return s.RecoverySeconds != nil }) {
		what = "go on"
	}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok && f.Code == fault.Unpublishable:
		return "" // says itself where it stopped
	case ok && f.Code.Refused():
		return "refused to " + what
	}
	return "cannot " + what
}
