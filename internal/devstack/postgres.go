package devstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Superuser is the name of the superuser of every cluster.
const Superuser = "postgres"

// Password is the superuser's password, and what URL assumes of every other role.
const Password = "devstack"

// startLimit bounds a server's start where the caller's context does not.
const startLimit = 90 * time.Second

// PostgresOptions describe a server. The zero value is a DefaultPostgres server fit for logical replication.
type PostgresOptions struct {
	Major    int               // one of PostgresMajors; 0: DefaultPostgres
	Settings map[string]string // server settings on top of the package's own, for example fsync: off
	Progress Progress          // may be nil
}

// Postgres is one server with its data directory. It listens on 127.0.0.1 (passwords are checked, scram-sha-256) and on
// a unix socket (any user, no password). Methods may be called from several goroutines.
type Postgres struct {
	Major     int
	Port      int    // the same for the server's whole life
	SocketDir string // unix_socket_directories; also holds the server's log
	DataDir   string

	lease   lease
	install string
	watcher *watcher

	mu       sync.Mutex
	settings map[string]string
	process  *process
}

// StartPostgres starts a new cluster and waits until it takes connections. ctx bounds the start only; the server runs
// until Close, at most until this process ends.
func StartPostgres(ctx context.Context, opts PostgresOptions) (*Postgres, error) {
	if opts.Major == 0 {
		opts.Major = DefaultPostgres
	}
	if !slices.Contains(PostgresMajors(), opts.Major) {
		return nil, fmt.Errorf("start postgres %d: known are %v", opts.Major, PostgresMajors())
	}
	p, err := newCluster(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("start postgres %d: %w", opts.Major, err)
	}
	if err := p.Start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// newCluster makes a data directory that differs from all others in its system identifier.
func newCluster(ctx context.Context, opts PostgresOptions) (*Postgres, error) {
	install, err := installPostgres(ctx, opts.Major, opts.Progress)
	if err != nil {
		return nil, err
	}
	template, err := postgresTemplate(ctx, install)
	if err != nil {
		return nil, err
	}
	p, err := newPostgres(opts.Major, install, opts.Settings)
	if err != nil {
		return nil, err
	}
	err = copyTree(filepath.Join(template, "data"), p.DataDir, serverUser())
	if err == nil {
		err = renewSystemIdentifier(p.DataDir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make data directory: %w", err), p.Close())
	}
	return p, nil
}

// newPostgres makes the place of a server: directory, watcher and port, without data.
func newPostgres(major int, install string, settings map[string]string) (*Postgres, error) {
	dir, err := serverDir(fmt.Sprintf("relay-pg%d-", major), serverUser())
	if err != nil {
		return nil, err
	}
	w, err := newWatcher(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	leases, err := leasePorts(1)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &Postgres{
		Major: major, Port: leases[0].port, SocketDir: dir, DataDir: filepath.Join(dir, "data"),
		lease: leases[0], install: install, watcher: w, settings: maps.Clone(settings),
	}, nil
}

// serverDir makes a directory of a server's own. Where the temporary directory is out of reach for the server's user, or
// its name too long for a socket (107 bytes with the socket's name), it is below /tmp.
func serverDir(prefix string, who owner) (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 || who.switches && !openToOthers(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", fmt.Errorf("make server directory: %w", err)
	}
	if err := who.own(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// URL is the connection string of user and database over TCP, with Password.
func (p *Postgres) URL(user, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, Password),
		Host: address(p.Port), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Start starts the server again after Stop or Kill, on the same port and directory, and waits until it takes
// connections (as a standby: read-only ones). It may be killed meanwhile; then Start fails. After a failure it does
// not run.
func (p *Postgres) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	process, err := p.launch()
	if err == nil {
		if err = process.ready(ctx, p.probe); err != nil {
			err = errors.Join(err, process.killTree())
		}
	}
	if err != nil {
		return fmt.Errorf("start postgres %d on port %d: %w", p.Major, p.Port, err)
	}
	return nil
}

func (p *Postgres) launch() (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process.running() {
		return nil, errors.New("it runs already")
	}
	if err := p.writeConf(); err != nil {
		return nil, fmt.Errorf("write its settings: %w", err)
	}
	cmd := p.watcher.command("QUIT", filepath.Join(p.install, "bin", "postgres"), "-D", p.DataDir)
	cmd.SysProcAttr = serverUser().attributes()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	process, err := startProcess(p.watcher, cmd, p.log())
	if err == nil {
		p.process = process
	}
	return process, err
}

func (p *Postgres) probe(ctx context.Context) error {
	conn, err := pgconn.Connect(ctx, p.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// How Stop ends a server.
const (
	Smart     = "smart"     // wait for clients to leave
	Fast      = "fast"      // end sessions, checkpoint; waits for walsenders until their clients have what was sent
	Immediate = "immediate" // no checkpoint: the next start recovers
)

// Stop ends the server in one of three ways and waits for it. A server that does not run is stopped already.
func (p *Postgres) Stop(ctx context.Context, mode string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	signals := map[string]syscall.Signal{Smart: syscall.SIGTERM, Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}
	s, ok := signals[mode]
	if !ok {
		return fmt.Errorf("stop postgres: mode %q is none of smart, fast, immediate", mode)
	}
	if !p.process.running() {
		return nil
	}
	return p.process.stop(ctx, s)
}

// Kill ends the server and all its processes with SIGKILL, as a crash does, and waits until they are gone.
func (p *Postgres) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process.killTree()
}

// Pause freezes the server and all its processes (SIGSTOP): its connections stay open and silent until Resume.
func (p *Postgres) Pause() error { return p.signalTree(syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Postgres) Resume() error { return p.signalTree(syscall.SIGCONT) }

func (p *Postgres) signalTree(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process.signalTree(s)
}

// Address is where the server listens, host:port.
func (p *Postgres) Address() string { return address(p.Port) }

// Close kills what runs and removes the data directory.
func (p *Postgres) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer release(p.lease)
	return closeServer(p.watcher, p.process)
}

// Log is what the server has written to its log so far.
func (p *Postgres) Log() string {
	out, err := os.ReadFile(p.log())
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func (p *Postgres) log() string { return filepath.Join(p.SocketDir, "log") }

// Set changes a setting for the next Start.
func (p *Postgres) Set(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settings == nil {
		p.settings = make(map[string]string)
	}
	p.settings[name] = value
}

// writeConf writes the settings that postgresql.conf includes.
func (p *Postgres) writeConf() error {
	settings := map[string]string{
		"listen_addresses":          "127.0.0.1",
		"port":                      strconv.Itoa(p.Port),
		"unix_socket_directories":   p.SocketDir,
		"wal_level":                 "logical",
		"max_wal_senders":           "64",
		"max_replication_slots":     "64",
		"max_connections":           "250",
		"max_prepared_transactions": "16",
		"max_worker_processes":      "16",
		"timezone":                  "UTC",
		"log_timezone":              "UTC",
		"log_line_prefix":           "%m [%p] %q%u@%d ",
		"logging_collector":         "off",
	}
	maps.Copy(settings, p.settings)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	conf := filepath.Join(p.DataDir, ownConf)
	if err := os.WriteFile(conf, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return serverUser().own(conf)
}
